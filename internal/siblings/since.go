package siblings

import (
	"context"
	"fmt"
	"path"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// sinceSibling stands for what the sibling has of the branch that is here.
const sinceSibling = "^"

// changedSince finds the subdatasets that differ between a commit and HEAD, by
// their paths from d. Those that are not here are left out.
func changedSince(ctx context.Context, d *dataset.Dataset, since, sibling string, levels int) (map[string]bool, error) {
	if levels == 0 {
		return nil, errs.WithHint(fmt.Errorf("create-sibling: --since is about subdatasets"), "with -r they are looked at")
	}
	if since == sinceSibling {
		head, err := d.Repo.Head(ctx)
		if err != nil {
			return nil, err
		}
		branch := head.Branch()
		if basis, _, ok := annex.ParseAdjusted(branch); ok {
			branch = basis
		}
		since = "refs/remotes/" + sibling + "/" + branch
	}
	from, err := d.Revision(ctx, since)
	if err != nil {
		return nil, err
	}
	if from == "" {
		return nil, errs.WithHint(fmt.Errorf("create-sibling: there is no commit %s", since), "name a commit, a tag, or a branch")
	}
	to, err := d.RecordedHead(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	return found, changedBelow(ctx, d, git.TreeDiff{From: from, To: to}, ".", levels, found)
}

// changedBelow adds the subdatasets that differ between two commits of the
// dataset at rel, and those below them.
func changedBelow(ctx context.Context, d *dataset.Dataset, diff git.TreeDiff, rel string, levels int, found map[string]bool) error {
	var subs []git.TreeDelta
	err := d.Repo.DiffTrees(ctx, diff, func(c git.TreeDelta) error {
		if c.To.Mode == gitobj.ModeGitlink && d.IsHere(c.Path) {
			subs = append(subs, c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range subs {
		at := path.Join(rel, c.Path)
		found[at] = true
		if levels == 1 {
			continue
		}
		if err := changedInside(ctx, d, c, at, max(levels-1, dataset.AllLevels), found); err != nil {
			return err
		}
	}
	return nil
}

// changedInside looks into a subdataset between the commits that are recorded
// of it; from the beginning, where the first one is not known there.
func changedInside(ctx context.Context, d *dataset.Dataset, c git.TreeDelta, at string, levels int, found map[string]bool) error {
	sub, err := d.Sub(ctx, c.Path)
	if err != nil {
		return err
	}
	defer sub.Repo.Close()
	if !sub.Repo.Has(ctx, c.To.OID) {
		return nil
	}
	inside := git.TreeDiff{To: c.To.OID}
	if c.From.Mode == gitobj.ModeGitlink && sub.Repo.Has(ctx, c.From.OID) {
		inside.From = c.From.OID
	}
	return changedBelow(ctx, sub, inside, at, levels, found)
}
