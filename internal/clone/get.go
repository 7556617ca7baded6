package clone

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fetch"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/result"
)

// GetOptions says what is brought here.
type GetOptions struct {
	Paths       []string // as typed; none: the whole dataset
	Source      string   // content only from this remote
	Jobs        int      // at once; 0: a few
	Levels      int      // of subdatasets below the paths; dataset.AllLevels for all
	Existing    bool     // no subdatasets but those that are here
	NoData      bool     // subdatasets only
	Quiet       bool     // no records about what needs no work, and about folders
	Reckless    string
	Description string
	Top         string
	Procedures  []string
}

// Get brings content here, and the subdatasets that it lies in. It reports a
// record for each subdataset and file, and for named paths that needed nothing.
func Get(ctx context.Context, d *dataset.Dataset, opt GetOptions, sink result.Sink) error {
	if err := checkReckless(opt.Reckless); err != nil {
		return err
	}
	g := &getting{installer: installer{opt: opt, top: d}, sink: sink, refused: map[string]bool{}, content: map[string]*content{}}
	defer g.close()
	paths := opt.Paths
	if len(paths) == 0 {
		paths = []string{d.Path()}
	}
	for _, typed := range paths {
		if err := g.path(ctx, typed); err != nil {
			return err
		}
	}
	if opt.NoData {
		return nil
	}
	return g.data(ctx)
}

// getting is one run of Get.
type getting struct {
	installer
	sink    result.Sink
	refused map[string]bool     // paths that were reported not to exist
	content map[string]*content // by the dataset's path
	order   []string            // of content
	opened  []*dataset.Dataset
}

// content is what is asked of one dataset.
type content struct {
	d     *dataset.Dataset
	paths []string // absolute
}

func (g *getting) close() {
	for _, d := range g.opened {
		d.Close()
	}
}

// want adds a path to what is asked of its dataset; false says that the
// dataset was not asked for anything before.
func (g *getting) want(d *dataset.Dataset, path string) bool {
	c, known := g.content[d.Path()]
	if !known {
		c = &content{d: d}
		g.content[d.Path()] = c
		g.order = append(g.order, d.Path())
	}
	c.paths = append(c.paths, path)
	return known
}

// path makes sure that a typed path exists.
func (g *getting) path(ctx context.Context, typed string) error {
	target := typed
	if !filepath.IsAbs(target) {
		target = filepath.Join(g.top.Env.Cwd, target)
	}
	target = filepath.Clean(target)
	rel, err := g.top.Rel(target)
	if err != nil {
		msg := result.Tuple{"path not associated with dataset %s", "Dataset(" + g.top.Path() + ")"}
		return g.sink.Emit(result.New("get", result.Error, target, "").With("message", msg))
	}
	d, rel, missing, err := g.descend(ctx, g.top, rel)
	if err != nil {
		return err
	}
	base := d // what recursion counts from
	if missing != nil {
		if d, rel, err = g.fill(ctx, d, rel, *missing, target); err != nil || d == nil {
			return err
		}
	}
	there, dir := state(d.Repo.Path(filepath.FromSlash(rel)))
	if !there {
		return g.absent(target)
	}
	if missing == nil {
		if err := g.present(d, target); err != nil {
			return err
		}
	} else {
		g.want(d, target)
	}
	if g.opt.Levels == 0 || !dir {
		return nil
	}
	return g.underneath(ctx, base, target)
}

// state tells whether there is anything at the path, and whether it is a
// folder. What is above the last component may be links.
func state(path string) (there, dir bool) {
	fi, err := os.Lstat(path)
	return err == nil, err == nil && fi.IsDir()
}

func (g *getting) absent(target string) error {
	if g.refused[target] {
		return nil
	}
	g.refused[target] = true
	return g.sink.Emit(result.New("get", result.Impossible, target, "").Ref(g.top.Path()).Msg("path does not exist"))
}

// present notes a path of a dataset that is here. A subdataset is reported the
// first time.
func (g *getting) present(d *dataset.Dataset, target string) error {
	known := g.want(d, target)
	if known || d == g.top || g.opt.Quiet {
		return nil
	}
	r := result.New("get", result.NotNeeded, d.Path(), result.Dataset).Ref(g.top.Path())
	return g.sink.Emit(r.With("contains", []any{target}))
}

// descend goes down to the deepest dataset that is here and holds rel. missing
// is the subdataset in the way that is not here, or nil.
func (g *getting) descend(ctx context.Context, d *dataset.Dataset, rel string) (at *dataset.Dataset, inside string, missing *gitindex.Entry, err error) {
	for rel != "." {
		e, ok, err := d.GitlinkAbove(rel)
		if err != nil {
			return nil, "", nil, err
		}
		if !ok {
			break
		}
		if !d.IsHere(e.Path) {
			return d, rel, &e, nil
		}
		sub, err := g.open(ctx, d, e.Path)
		if err != nil {
			return nil, "", nil, err
		}
		if rel, err = filepath.Rel(e.Path, rel); err != nil {
			return nil, "", nil, err
		}
		d = sub
	}
	return d, rel, nil, nil
}

// open opens a subdataset, once.
func (g *getting) open(ctx context.Context, d *dataset.Dataset, rel string) (*dataset.Dataset, error) {
	path := d.Repo.Path(filepath.FromSlash(rel))
	for _, o := range g.opened {
		if o.Path() == path {
			return o, nil
		}
	}
	sub, err := d.Sub(ctx, rel)
	if err != nil {
		return nil, err
	}
	g.opened = append(g.opened, sub)
	return sub, nil
}

// fill obtains the missing subdatasets on the way to target, one below the
// other. The dataset is nil where one could not be had, which has been reported.
func (g *getting) fill(ctx context.Context, d *dataset.Dataset, rel string, missing gitindex.Entry, target string) (*dataset.Dataset, string, error) {
	for {
		p, err := newParent(ctx, d)
		if err != nil {
			return nil, "", err
		}
		said := result.Tuple{"Installed subdataset in order to get %s", target}
		out, err := g.install(ctx, p, missing, said, nil)
		if err := errors.Join(err, g.took(p, target, out)); err != nil {
			return nil, "", err
		}
		if out.d == nil {
			return nil, "", g.absentBelow(target)
		}
		if rel, err = filepath.Rel(missing.Path, rel); err != nil {
			return nil, "", err
		}
		next, inside, more, err := g.descend(ctx, out.d, rel)
		if err != nil || more == nil {
			return next, inside, err
		}
		d, rel, missing = next, inside, *more
	}
}

// absentBelow reports a path that cannot exist, since its dataset could not be
// obtained; an empty folder in the dataset's place exists.
func (g *getting) absentBelow(target string) error {
	if there, _ := state(target); there {
		return nil
	}
	return g.absent(target)
}

// took reports what was obtained and notes it in the superdataset. A path that
// came with it is named.
func (g *getting) took(p *parent, target string, list ...*installed) error {
	var err error
	for _, out := range list {
		if out.d != nil {
			g.opened = append(g.opened, out.d)
		}
		for _, r := range out.records {
			if there, _ := state(target); target != "" && there && r.Action == "install" && r.Status == result.OK {
				r = r.With("contains", []any{target})
			}
			err = errors.Join(err, g.sink.Emit(r))
		}
	}
	return errors.Join(err, p.note(list...))
}

// data brings the content of the files, dataset by dataset.
func (g *getting) data(ctx context.Context) error {
	top := g.top.Path()
	sink := result.SinkFunc(func(r result.Record) error {
		if _, reported := g.content[r.Path]; reported && r.Path != top {
			return nil
		}
		if _, ok := r.Fields["refds"]; ok {
			r = r.Ref(top)
		}
		return g.sink.Emit(r)
	})
	for _, path := range g.order {
		c := g.content[path]
		if err := fetch.Get(ctx, c.d, fetch.Options{Paths: c.paths, Source: g.opt.Source, Jobs: g.opt.Jobs, Quiet: g.opt.Quiet}, sink); err != nil {
			return err
		}
	}
	return nil
}
