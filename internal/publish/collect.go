package publish

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// collect plans what is sent of the dataset and, before it, of its
// subdatasets. since is the state that the sibling has, "" for nothing. reached says
// that paths above the dataset concern it: that the recursion leads there, not just
// the path of a file in it.
func (p *pushing) collect(ctx context.Context, d *dataset.Dataset, since gitobj.OID, levels int, reached bool) error {
	if _, err := d.PropagateToBasis(ctx); err != nil {
		return err
	}
	head, err := d.RecordedHead(ctx)
	if err != nil {
		return err
	}
	if head == "" {
		return errs.WithHint(fmt.Errorf("push: %s has no commit on the branch that is checked out", d.Path()), "save something first, or check out another branch")
	}
	mine := &part{d: d}
	var subs []git.TreeDelta
	paths, all := p.scope(d, reached)
	matched, err := all, nil
	if !all {
		if matched, err = anyIn(ctx, d, head, paths); err != nil {
			return err
		}
	}
	diff := git.TreeDiff{From: since, To: head, Enter: func(dir string) bool { return all || touches(dir, paths) }}
	err = d.Repo.DiffTrees(ctx, diff, func(c git.TreeDelta) error {
		if !all && !touches(c.Path, paths) {
			return nil
		}
		matched = true // though it may be gone now
		switch {
		case c.To.Mode == gitobj.ModeGitlink && slices.Contains(paths, c.Path) && !d.IsHere(c.Path):
			return errs.WithHint(fmt.Errorf("push: subdataset %s is not here", mine.abs(c.Path)), "get it first: get -n %s", c.Path)
		case c.To.Mode == gitobj.ModeGitlink:
			subs = append(subs, c)
		case c.To.OID != "":
			mine.changed = append(mine.changed, gitEntry{c.Path, c.To.Mode, c.To.OID})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if levels == 0 { // only those that hold one of the paths
		subs = slices.DeleteFunc(subs, func(c git.TreeDelta) bool { return !holdsAny(c.Path, paths) })
	}
	if err := p.below(ctx, d, subs, levels); err != nil {
		return err
	}
	if matched {
		p.plan = append(p.plan, mine)
	}
	return nil
}

// anyIn reports whether the commit has one of the paths.
func anyIn(ctx context.Context, d *dataset.Dataset, commit gitobj.OID, paths []string) (bool, error) {
	view := d.Repo.View(commit)
	for _, p := range paths {
		if _, ok, err := view.Lookup(ctx, p); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// below plans the subdatasets that are here, each from the commit that the
// superdataset recorded before.
func (p *pushing) below(ctx context.Context, d *dataset.Dataset, subs []git.TreeDelta, levels int) error {
	reached := levels != 0
	if levels > 0 {
		levels--
	}
	for _, c := range subs {
		if !d.IsHere(c.Path) {
			continue
		}
		sub, err := d.Sub(ctx, c.Path)
		if err != nil {
			return err
		}
		var since gitobj.OID
		if c.From.Mode == gitobj.ModeGitlink && sub.Repo.Has(ctx, c.From.OID) {
			since = c.From.OID
		}
		if err := p.collect(ctx, sub, since, levels, reached); err != nil {
			return err
		}
	}
	return nil
}

// holdsAny reports whether one of the paths is below the folder.
func holdsAny(dir string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return strings.HasPrefix(p, dir+"/") })
}

// touches reports whether path is at, below or above one of the paths.
func touches(path string, paths []string) bool {
	for _, q := range paths {
		if q == "." || path == q || strings.HasPrefix(path, q+"/") || strings.HasPrefix(q, path+"/") {
			return true
		}
	}
	return false
}

// abs is the path as records have it.
func (m *part) abs(rel string) string { return m.d.Repo.Path(filepath.FromSlash(rel)) }
