package dataset

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// DiffOptions say what is compared with what.
type DiffOptions struct {
	From      string   // revision; "" for HEAD
	To        string   // revision; "" for the work tree
	Paths     []string // as typed; none: everything. A slash at the end means what is in a subdataset
	Untracked string   // "no", "normal" or "all"; "" for normal
	Annex     string   // "", "basic", "availability" or "all"
	Clean     bool     // report what is equal, too
	Levels    int      // of subdatasets that are looked into; AllLevels for all
}

// Diff reports how one state differs from another, DataLad's way: what is in
// the later state in the order of its paths, then what is gone from it; the
// differences in a subdataset follow its own record.
func (d *Dataset) Diff(ctx context.Context, opt DiffOptions, sink result.Sink) error {
	w := &differ{top: d, opt: opt, sink: sink}
	if refused, err := w.sort(); err != nil || refused && len(w.paths) == 0 {
		return err
	}
	from, to := opt.From, opt.To
	if from == "" {
		from = "HEAD"
	}
	pair := diffPair{worktree: to == ""}
	for _, side := range []struct {
		rev string
		id  *gitobj.OID
	}{{from, &pair.from}, {to, &pair.to}} {
		if side.rev == "" {
			continue
		}
		id, err := d.Revision(ctx, side.rev)
		if err != nil {
			return err
		}
		if id == "" {
			return w.invalid(d, side.rev)
		}
		*side.id = id
	}
	return w.one(ctx, d, pair, opt.Levels)
}

// Revision returns the commit that a revision means, or "".
func (d *Dataset) Revision(ctx context.Context, rev string) (gitobj.OID, error) {
	if rev == "HEAD" {
		head, err := d.Repo.Head(ctx)
		return head.OID, err
	}
	if strings.HasPrefix(rev, "-") || strings.ContainsAny(rev, "\x00\n") {
		return "", nil
	}
	out, err := d.Repo.Output(ctx, "rev-parse", "--verify", "--quiet", rev+"^{commit}")
	if git.ExitCode(err) > 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return gitobj.ParseOID(strings.TrimSpace(string(out)))
}

// diffPair are the two states of one dataset.
type diffPair struct {
	from, to gitobj.OID // "" has no files
	worktree bool       // instead of to
}

// differ is one diff in a hierarchy of datasets.
type differ struct {
	top   *Dataset
	opt   DiffOptions
	sink  result.Sink
	paths []diffPath
}

type diffPath struct {
	rel    string // to the top
	inside bool   // what is in the subdataset there
}

func (w *differ) sort() (refused bool, err error) {
	for _, typed := range w.opt.Paths {
		rel, err := w.top.Rel(typed)
		if err != nil {
			refused = true
			r := result.New("status", result.Error, w.top.Abs(typed), "").Ref(w.top.Path()).Msg("path not underneath this dataset")
			if err := w.sink.Emit(r); err != nil {
				return true, err
			}
			continue
		}
		w.paths = append(w.paths, diffPath{rel, strings.HasSuffix(typed, "/") || rel == "."})
	}
	return refused, nil
}

func (w *differ) invalid(d *Dataset, rev string) error {
	r := result.New("diff", result.Impossible, d.Path(), "").Ref(w.top.Path())
	return w.sink.Emit(r.Msg(fmt.Sprintf("Git reference '%s' invalid", rev)))
}

// here are the paths in one dataset, relative to it; none means all of it.
func (w *differ) here(d *Dataset) []diffPath {
	at, err := filepath.Rel(w.top.Path(), d.Path())
	if err != nil {
		return nil
	}
	var list []diffPath
	for _, p := range w.paths {
		if p.rel == at && !p.inside || p.rel != at && !underAny(p.rel, []string{filepath.ToSlash(at)}) {
			continue
		}
		list = append(list, diffPath{relTo(filepath.ToSlash(at), p.rel), p.inside})
	}
	return list
}

// item is one path of a diff.
type diffItem struct {
	Change
	from git.TreeEntry
}

// one compares the states of one dataset, and of those below it.
func (w *differ) one(ctx context.Context, d *Dataset, pair diffPair, levels int) error {
	for _, id := range []gitobj.OID{pair.from, pair.to} {
		if _, _, err := d.Repo.View(id).Lookup(ctx, "."); err != nil {
			return w.invalid(d, string(id))
		}
	}
	paths := w.here(d)
	var items []diffItem
	var err error
	if pair.worktree {
		items, err = w.worktree(ctx, d, pair.from, paths)
	} else {
		items, err = w.commits(ctx, d, pair, paths)
	}
	if err != nil {
		return err
	}
	sizes, err := w.sizes(ctx, d, pair, items)
	if err != nil {
		return err
	}
	for _, it := range items {
		if it.State != Clean || w.opt.Clean {
			r, err := w.record(ctx, d, it, pair, sizes)
			if err == nil {
				err = w.sink.Emit(r)
			}
			if err != nil {
				return err
			}
		}
		if err := w.below(ctx, d, it, pair, paths, levels); err != nil {
			return err
		}
	}
	return nil
}

// below goes into a subdataset where that is asked for.
func (w *differ) below(ctx context.Context, d *Dataset, it diffItem, pair diffPair, paths []diffPath, levels int) error {
	if it.Type != result.Dataset || it.State == Clean || it.State == Deleted || it.State == Untracked {
		return nil
	}
	inside, above := false, false
	for _, p := range paths {
		inside = inside || p.rel == it.Path && p.inside
		above = above || p.rel != it.Path && underAny(p.rel, []string{it.Path})
	}
	if !inside && !above && levels == 0 {
		return nil
	}
	if levels > 0 && !inside {
		levels--
	}
	sub, err := d.Sub(ctx, it.Path)
	if errors.Is(err, git.ErrNoRepository) {
		return nil
	}
	if err != nil {
		return err
	}
	defer sub.Repo.Close()
	next := diffPair{from: it.from.OID, to: it.OID, worktree: pair.worktree}
	if it.State == Added || it.from.Mode != gitobj.ModeGitlink {
		next.from = ""
	}
	if pair.worktree {
		next.to = ""
	}
	return w.one(ctx, sub, next, levels)
}

// inPaths reports whether a path is asked for; that of a subdataset is, too,
// where anything in it is.
func inPaths(rel string, link bool, paths []diffPath) bool {
	if len(paths) == 0 {
		return true
	}
	for _, p := range paths {
		if underAny(rel, []string{p.rel}) || link && underAny(p.rel, []string{rel}) {
			return true
		}
	}
	return false
}

// commits compares two commits.
func (w *differ) commits(ctx context.Context, d *Dataset, pair diffPair, paths []diffPath) ([]diffItem, error) {
	var items, deleted []diffItem
	ask := git.TreeDiff{From: pair.from, To: pair.to, Equal: w.opt.Clean, Enter: enterFor(paths)}
	err := d.Repo.DiffTrees(ctx, ask, func(c git.TreeDelta) error {
		it := diffItem{from: c.From}
		it.Path, it.Mode, it.OID, it.Prev, it.PrevMode = c.Path, c.To.Mode, c.To.OID, c.From.OID, c.From.Mode
		switch {
		case !inPaths(c.Path, c.To.Mode == gitobj.ModeGitlink || c.From.Mode == gitobj.ModeGitlink, paths):
			return nil
		case c.To.OID == "":
			it.State, it.Type = Deleted, typeOfMode(c.From.Mode)
			deleted = append(deleted, it)
			return nil
		case c.From.OID == "":
			it.State = Added
		case c.From.OID == c.To.OID:
			it.State = Clean
		default:
			it.State = Modified
		}
		it.Type = typeOfMode(c.To.Mode)
		items = append(items, it)
		return nil
	})
	return append(items, deleted...), err
}

func enterFor(paths []diffPath) func(string) bool {
	if len(paths) == 0 {
		return nil
	}
	return func(dir string) bool {
		for _, p := range paths {
			if underAny(dir, []string{p.rel}) || underAny(p.rel, []string{dir}) {
				return true
			}
		}
		return false
	}
}
