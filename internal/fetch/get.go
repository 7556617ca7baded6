// Package fetch brings the content of annexed files here, as `get` does: from which
// remotes, in portions that are recorded one by one, and what is said of each file.
// How one object comes is package transfer's.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/result"
)

// Options says which content is brought here.
type Options struct {
	Paths  []string // absolute or relative to Env.Cwd; none: the whole dataset
	Source string   // only from this remote
	Jobs   int      // files at once; 0: a few
	// Committed, if not nil, names the contents instead of Paths: by the path,
	// relative to the top, that they have in some commit.
	Committed map[string]annexkey.Key
	// Quiet leaves out the records about what needs no work and about
	// folders.
	Quiet bool
}

// A get works in portions: each is durable and recorded before the next one
// begins, so that a kill loses little, and the price of a commit is shared.
const (
	portionFiles = 4096
	portionBytes = 4 << 30
)

// Get brings the content of annexed files here. It reports one record for each
// file that was fetched or is not available, and then one for each named path.
func Get(ctx context.Context, d *dataset.Dataset, opt Options, sink result.Sink) error {
	if err := d.EnsureAnnex(ctx); err != nil {
		return err
	}
	g := &getting{d: d, opt: opt, sink: sink, failed: map[string]bool{}, done: map[string]bool{}}
	if opt.Committed == nil {
		if err := g.look(ctx); err != nil || d.Annex == nil {
			return err
		}
	}
	for rel, key := range opt.Committed {
		g.files = append(g.files, absentFile{rel, key})
	}
	if d.Annex == nil {
		return nil
	}
	if len(g.files) > 0 {
		if ok, err := g.findSources(ctx); err != nil || !ok {
			return err
		}
	}
	for len(g.files) > 0 {
		n := g.portion()
		if err := g.fetch(ctx, g.files[:n]); err != nil {
			return err
		}
		g.files = g.files[n:]
	}
	return g.summary(ctx)
}

// namedPath is a path that the user gave and that exists.
type namedPath struct {
	abs, rel string
	dir      bool
	key      annexkey.Key // of a file whose content is here
}

// absentFile is an annexed file without content.
type absentFile struct {
	rel string
	key annexkey.Key
}

// getting is one run of Get.
type getting struct {
	d      *dataset.Dataset
	opt    Options
	sink   result.Sink
	named  []namedPath
	files  []absentFile
	peers  []dataset.Peer
	logs   *dataset.BranchLogs
	failed map[string]bool // by path relative to the top
	done   map[string]bool
}

// look finds the files that lack content, and reports paths that do not exist.
func (g *getting) look(ctx context.Context) error {
	index, err := g.d.Repo.ReadIndex()
	if err != nil {
		return err
	}
	paths := g.opt.Paths
	if len(paths) == 0 {
		paths = []string{g.d.Path()}
	}
	seen := map[string]bool{}
	for _, typed := range paths {
		p, r := g.name(index, typed)
		if r.Action != "" {
			if err := g.sink.Emit(r); err != nil {
				return err
			}
			continue
		}
		g.collect(index, &p, seen)
		g.named = append(g.named, p)
	}
	if g.d.Annex != nil {
		return nil
	}
	for _, p := range g.named {
		r := result.New("get", result.NotNeeded, p.abs, result.File).Ref(g.d.Path()).Msg("no dataset annex, content already present")
		if g.opt.Quiet {
			continue
		}
		if err := g.sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}

// name resolves a typed path; a record says why it cannot be used.
func (g *getting) name(index *gitindex.File, typed string) (namedPath, result.Record) {
	p := namedPath{abs: g.d.Abs(typed)}
	refusal := result.New("get", result.Error, p.abs, "").Ref(g.d.Path())
	var err error
	if p.rel, err = g.d.Rel(typed); err != nil {
		return p, refusal.Msg(fmt.Sprintf("path not associated with dataset %s", g.d.Path()))
	}
	if sub := dataset.SubdatasetAbove(index, p.rel); sub != "" {
		return p, refusal.Msg(fmt.Sprintf("path is in the subdataset %s: getting content there from here is not supported yet", sub))
	}
	fi, err := os.Lstat(g.d.Repo.Path(p.rel))
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return p, refusal.As(result.Impossible).Msg("path does not exist")
	case err != nil:
		return p, refusal.Msg(err.Error())
	}
	p.dir = fi.IsDir()
	return p, result.Record{}
}

// collect adds the files at or below a named path that lack content.
func (g *getting) collect(index *gitindex.File, p *namedPath, seen map[string]bool) {
	if g.d.Annex == nil {
		return
	}
	take := func(e gitindex.Entry) {
		k, ok := g.d.KeyInWorkTree(e)
		switch {
		case !ok:
		case g.d.Annex.Has(k) && !g.d.LacksContent(e):
			p.key = k
		case !seen[e.Path]:
			seen[e.Path] = true
			g.files = append(g.files, absentFile{e.Path, k})
		}
	}
	if !p.dir {
		if e, ok := index.Lookup(p.rel); ok {
			take(e)
		}
		return
	}
	top := p.rel
	if top == "." {
		top = ""
	}
	for e := range index.Under(top) {
		take(e)
	}
}

// findSources opens the remotes; false means that the one asked for cannot be
// used, which has been reported.
func (g *getting) findSources(ctx context.Context) (bool, error) {
	peers, err := g.d.Peers(ctx)
	if err != nil {
		return false, err
	}
	for _, p := range peers {
		if g.opt.Source == "" || g.opt.Source == p.Spec.Name {
			g.peers = append(g.peers, p)
		}
	}
	if g.opt.Source == "" || len(g.peers) > 0 && g.peers[0].Remote != nil {
		return true, nil
	}
	msg := fmt.Sprintf("Remote '%s' is not available", g.opt.Source)
	if len(g.peers) > 0 {
		msg += ": " + g.peers[0].Err.Error()
	}
	return false, g.sink.Emit(result.New("get", result.Error, g.d.Path(), result.Dataset).Ref(g.d.Path()).Msg(msg))
}

// portion is how many files are fetched before the next commit.
func (g *getting) portion() int {
	var bytes int64
	for i, f := range g.files {
		if i == portionFiles || bytes >= portionBytes {
			return i
		}
		bytes += max(f.key.Size, 0)
	}
	return len(g.files)
}
