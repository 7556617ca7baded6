package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/transfer"
)

// GetOptions says which content is brought here.
type GetOptions struct {
	Paths  []string // absolute or relative to Env.Cwd; none: the whole dataset
	Source string   // only from this remote
	Jobs   int      // files at once; 0: a few
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
func (d *Dataset) Get(ctx context.Context, opt GetOptions, sink result.Sink) error {
	if err := d.EnsureAnnex(ctx); err != nil {
		return err
	}
	g := &getting{d: d, opt: opt, sink: sink, failed: map[string]bool{}, done: map[string]bool{}}
	if err := g.look(ctx); err != nil || d.Annex == nil {
		return err
	}
	if len(g.files) > 0 {
		if ok, err := g.findSources(); err != nil || !ok {
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
	d      *Dataset
	opt    GetOptions
	sink   result.Sink
	named  []namedPath
	files  []absentFile
	peers  []peer
	logs   *branchLogs
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
	p := namedPath{abs: g.d.abs(typed)}
	refusal := result.New("get", result.Error, p.abs, "").Ref(g.d.Path())
	var err error
	if p.rel, err = g.d.Rel(typed); err != nil {
		return p, refusal.Msg(fmt.Sprintf("path not associated with dataset %s", g.d.Path()))
	}
	if sub := subdatasetAbove(index, p.rel); sub != "" {
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

// subdatasetAbove returns the subdataset that the path is or lies in, or "".
func subdatasetAbove(index *gitindex.File, rel string) string {
	for dir := rel; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if e, ok := index.Lookup(dir); ok && e.Mode == gitobj.ModeGitlink {
			return dir
		}
	}
	return ""
}

// collect adds the files at or below a named path that lack content.
func (g *getting) collect(index *gitindex.File, p *namedPath, seen map[string]bool) {
	if g.d.Annex == nil {
		return
	}
	take := func(e gitindex.Entry) {
		k, ok := g.d.keyInWorkTree(e)
		switch {
		case !ok:
		case g.d.Annex.Has(k) && !g.d.isBarePointer(e):
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

// keyInWorkTree returns the key that a file in the work tree stands for: of a
// link, or of pointer text. Files that hold content have none.
func (d *Dataset) keyInWorkTree(e gitindex.Entry) (annexkey.Key, bool) {
	p := d.Repo.Path(e.Path)
	switch e.Mode {
	case gitobj.ModeSymlink:
		target, err := os.Readlink(p)
		if err == nil {
			return pointer.ParseLink(target)
		}
		fallthrough // somebody unlocked it
	case gitobj.ModeFile, gitobj.ModeExec:
		_, k, ok := readPointer(p)
		return k, ok
	}
	return annexkey.Key{}, false
}

// isBarePointer reports whether the entry is an unlocked file; one that
// keyInWorkTree has a key for still lacks its content.
func (d *Dataset) isBarePointer(e gitindex.Entry) bool { return e.Mode != gitobj.ModeSymlink }

// findSources opens the remotes; false means that the one asked for cannot be
// used, which has been reported.
func (g *getting) findSources() (bool, error) {
	for _, p := range g.d.peers() {
		if g.opt.Source == "" || g.opt.Source == p.spec.Name {
			g.peers = append(g.peers, p)
		}
	}
	if g.opt.Source == "" || len(g.peers) > 0 && g.peers[0].remote != nil {
		return true, nil
	}
	msg := fmt.Sprintf("Remote '%s' is not available", g.opt.Source)
	if len(g.peers) > 0 {
		msg += ": " + g.peers[0].err.Error()
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

// fetched is the outcome for one key.
type fetched struct {
	from remote.Remote // nil: it was here already
	err  error
}

// fetch brings a portion here and reports it. What has arrived is recorded
// even if an interrupt ends the work.
func (g *getting) fetch(ctx context.Context, files []absentFile) error {
	outcome, failure := g.transfer(ctx, files)
	var keys []annexkey.Key
	for k, o := range outcome {
		if o.err == nil {
			keys = append(keys, k)
		}
	}
	if err := g.record(context.WithoutCancel(ctx), keys); err != nil {
		return errors.Join(failure, err)
	}
	for _, f := range files {
		o, ok := outcome[f.key]
		if !ok {
			continue
		}
		if err := g.report(ctx, f, *o); err != nil {
			return err
		}
	}
	return failure
}

// transfer fetches the keys of the files, some at once. The error is for what
// concerns all.
func (g *getting) transfer(ctx context.Context, files []absentFile) (map[annexkey.Key]*fetched, error) {
	getter := &transfer.Getter{Annex: g.d.Annex, SecureOnly: g.d.Repo.Config.Bool("annex.securehashesonly", false)}
	getter.Sweep(g.d.Now())
	var sources []remote.Remote
	for _, p := range g.peers {
		if p.remote != nil {
			sources = append(sources, p.remote)
		}
	}
	outcome := map[annexkey.Key]*fetched{}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(g.d.jobs(g.opt.Jobs))
	for _, f := range files {
		if outcome[f.key] != nil || gctx.Err() != nil {
			continue
		}
		o := &fetched{}
		outcome[f.key] = o
		group.Go(func() error {
			if g.d.Annex.Has(f.key) {
				return nil
			}
			o.from, o.err = getter.Get(gctx, f.key, sources)
			if o.err != nil && (fatal(o.err) || gctx.Err() != nil) {
				return o.err
			}
			return nil
		})
	}
	err := group.Wait()
	return outcome, errors.Join(err, ctx.Err())
}

// jobs is how many files are worked on at once.
func (d *Dataset) jobs(asked int) int {
	if asked > 0 {
		return asked
	}
	const few = 4
	return max(few, min(2*runtime.NumCPU(), 2*few))
}

// record makes what has arrived durable, then tells the git-annex branch, then
// fills the unlocked files.
func (g *getting) record(ctx context.Context, keys []annexkey.Key) error {
	if len(keys) == 0 {
		return nil
	}
	if err := g.d.Annex.SyncObjects(keys); err != nil {
		return err
	}
	if err := g.d.publishLocations(ctx, keys, "stemma get"); err != nil {
		return err
	}
	return g.d.populate(ctx, keys)
}

// publishLocations commits to the git-annex branch what is here of the keys.
func (d *Dataset) publishLocations(ctx context.Context, keys []annexkey.Key, reason string) error {
	if len(keys) == 0 {
		return nil
	}
	now := annexlog.ClockOf(d.Now())
	logs := make([]annex.LogEdit, len(keys))
	for i, k := range keys {
		logs[i] = d.locationEdit(k, now)
	}
	_, err := d.Publisher().Publish(ctx, commit.Request{Logs: logs, Reason: reason})
	return err
}

func (g *getting) report(ctx context.Context, f absentFile, o fetched) error {
	r := g.d.record("get", f.rel, result.File).With("annexkey", f.key.String())
	switch {
	case o.err != nil:
		g.failed[f.rel] = true
		msg, err := g.explain(ctx, f.key, o.err)
		if err != nil {
			return err
		}
		r = r.As(result.Error).Msg(msg)
	case o.from != nil:
		g.done[f.rel] = true
		r = r.Msg("from " + o.from.Name() + "...")
	default:
		return nil // another process was faster, or only a pointer was filled
	}
	return g.sink.Emit(r)
}

// explain adds to an error which remotes have the content by the logs, but
// could not be asked.
func (g *getting) explain(ctx context.Context, k annexkey.Key, cause error) (string, error) {
	var unavailable *transfer.UnavailableError
	if !errors.As(cause, &unavailable) {
		return cause.Error(), nil
	}
	if g.logs == nil {
		logs, err := g.d.branchLogs(ctx)
		if err != nil {
			return "", err
		}
		g.logs = logs
	}
	where, err := g.logs.locations(ctx, k)
	if err != nil {
		return "", err
	}
	msg := cause.Error()
	for _, p := range g.peers {
		if p.remote != nil || p.uuid() != "" && !contains(where, p.uuid()) {
			continue
		}
		msg += fmt.Sprintf("; %s: %v", strings.TrimSpace(p.spec.Name+" "+p.spec.URL), p.err)
	}
	return msg, nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
