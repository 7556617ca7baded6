package dataset

import (
	"context"
	"errors"
	"path"
	"sort"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// worktree compares a commit with the work tree.
func (w *differ) worktree(ctx context.Context, d *Dataset, from gitobj.OID, paths []diffPath) ([]diffItem, error) {
	scope := Scope{NoUntracked: w.opt.Untracked == "no", AllUntracked: w.opt.Untracked == "all"}
	for _, p := range paths {
		scope.Paths = append(scope.Paths, d.linkAbove(p.rel))
	}
	older, err := w.sinceThen(ctx, d, from, paths)
	if err != nil {
		return nil, err
	}
	changes, err := d.Changes(ctx, scope)
	if err == nil && (w.opt.Clean || len(older) > 0) {
		changes, err = d.withClean(changes, scope)
	}
	if err != nil {
		return nil, err
	}
	var items []diffItem
	seen := map[string]int{}
	for _, c := range changes {
		it, keep, err := w.compare(ctx, d, c, older, seen, items)
		if err != nil {
			return nil, err
		}
		if keep {
			seen[c.Path] = len(items)
			items = append(items, it)
		}
	}
	return append(items, vanished(older, seen)...), nil
}

// sinceThen lists what HEAD has in another way than an older commit: what that
// one had.
func (w *differ) sinceThen(ctx context.Context, d *Dataset, from gitobj.OID, paths []diffPath) (map[string]git.TreeEntry, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil || head.OID == from {
		return nil, err
	}
	older := map[string]git.TreeEntry{}
	err = d.Repo.DiffTrees(ctx, git.TreeDiff{From: from, To: head.OID, Enter: enterFor(paths)}, func(c git.TreeDelta) error {
		if inPaths(c.Path, c.From.Mode == gitobj.ModeGitlink || c.To.Mode == gitobj.ModeGitlink, paths) {
			older[c.Path] = c.From
		}
		return nil
	})
	return older, err
}

// vanished lists what the older commit had and nothing has now.
func vanished(older map[string]git.TreeEntry, seen map[string]int) []diffItem {
	var items []diffItem
	for p, e := range older {
		if _, ok := seen[p]; !ok && e.OID != "" {
			it := diffItem{from: e}
			it.Path, it.State, it.Type, it.Prev, it.PrevMode = p, Deleted, typeOfMode(e.Mode), e.OID, e.Mode
			items = append(items, it)
		}
	}
	sort.Slice(items, func(i, j int) bool { return items[i].Path < items[j].Path })
	return items
}

// compare decides the state of one path of the work tree against the commit.
func (w *differ) compare(ctx context.Context, d *Dataset, c Change, older map[string]git.TreeEntry, seen map[string]int, items []diffItem) (it diffItem, keep bool, err error) {
	it = diffItem{Change: c, from: git.TreeEntry{Mode: c.PrevMode, OID: c.Prev}}
	if e, ok := older[c.Path]; ok {
		it.from = e
	}
	it.Prev, it.PrevMode = it.from.OID, it.from.Mode
	removed := c.State == Deleted && c.OID == ""
	switch {
	case removed && it.from.OID == "":
		return it, false, nil
	case removed:
		if i, ok := seen[c.Path]; ok && items[i].State == Untracked { // known then, and still there
			items[i].State, items[i].from, items[i].Type = Modified, it.from, it.Type
			return it, false, nil
		}
		return it, true, nil
	case c.State == Untracked:
		if e, ok := older[c.Path]; ok && e.OID != "" {
			it.State = Modified
		}
		return it, true, nil
	case it.from.OID == "":
		it.State = Added
		return it, true, nil
	case c.Gone:
		it.State = Deleted
		return it, true, nil
	case c.Type == result.Dataset:
		return it, true, w.subdataset(ctx, d, &it)
	case c.OID == it.from.OID && !c.WorkTree:
		it.State = Clean
		return it, true, nil
	}
	it.State = Modified
	return it, true, nil
}

// subdataset compares what is checked out of a subdataset with what the commit
// records.
func (w *differ) subdataset(ctx context.Context, d *Dataset, it *diffItem) error {
	index := it.OID
	sub, err := d.Sub(ctx, it.Path)
	if errors.Is(err, git.ErrNoRepository) {
		it.State = Clean
		return nil
	}
	if err != nil {
		return err
	}
	defer sub.Repo.Close()
	if it.OID, err = sub.RecordedHead(ctx); err != nil {
		return err
	}
	dirty := it.WorkTree
	switch {
	case it.OID != it.from.OID:
		dirty = true
	case it.OID != index:
		if dirty, err = sub.dirty(ctx, w.opt.Untracked == "no"); err != nil {
			return err
		}
	}
	it.State = Clean
	if dirty {
		it.State = Modified
	}
	return nil
}

// linkAbove is the subdataset that rel lies in, by the index, or rel itself.
func (d *Dataset) linkAbove(rel string) string {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return rel
	}
	for at := rel; at != "."; at = path.Dir(at) {
		if e, ok := index.Lookup(at); ok && e.Mode == gitobj.ModeGitlink {
			return at
		}
	}
	return rel
}
