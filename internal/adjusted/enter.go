package adjusted

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Enter checks out the adjusted form of the present branch; on an adjusted
// branch, of the branch that it was made of. A branch of that name which is
// there already is left alone, unless it is checked out or force is set.
func Enter(ctx context.Context, d *dataset.Dataset, a annex.Adjustment, force bool) error {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if head.OID == "" || head.Branch() == "" {
		return errors.New("adjust: no branch with commits is checked out")
	}
	original, have, adjusted := annex.ParseAdjusted(head.Branch())
	if adjusted {
		if have == a {
			return Merge(ctx, d, Options{Anew: true})
		}
		if err := d.Propagate(ctx); err != nil {
			return err
		}
	}
	tip, err := d.Repo.Ref(ctx, "refs/heads/"+original)
	if err != nil {
		return err
	}
	if tip == "" {
		return fmt.Errorf("adjust: there is no branch %s", original)
	}
	name := branchOf(original, a)
	if old, err := d.Repo.Ref(ctx, "refs/heads/"+name); err != nil || old != "" && !force {
		return errors.Join(err, errs.WithHint(fmt.Errorf("adjusted branch %s already exists; it may have changes that have not yet reached %s", name, original),
			"check it out with git to enter it, or overwrite it with --force"))
	}
	return enter(ctx, d, name, a, tip)
}

// enter makes the branch before it checks it out: killed in between, the user is
// where they were.
func enter(ctx context.Context, d *dataset.Dataset, name string, a annex.Adjustment, tip gitobj.OID) error {
	v, err := adjust(ctx, d, a, tip, "")
	if err != nil {
		return err
	}
	if err := moveTo(ctx, d, annex.BasisRef(name), tip); err != nil {
		return err
	}
	if err := moveTo(ctx, d, "refs/heads/"+name, v.commit); err != nil {
		return err
	}
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	return d.MoveFiles(ctx, head.OID, v.commit, "refs/heads/"+name, func() error {
		if _, err := d.Repo.Output(ctx, "checkout", "--quiet", name, "--"); err != nil {
			return err
		}
		return d.PopulateFiles(ctx, v.unlocked)
	})
}

// moveTo moves a ref, whatever it was.
func moveTo(ctx context.Context, d *dataset.Dataset, name string, id gitobj.OID) error {
	old, err := d.Repo.Ref(ctx, name)
	if err != nil || old == id {
		return err
	}
	return d.Repo.MoveRefs(ctx, []git.RefMove{{Name: name, Old: old, New: id}}, annex.AdjustedMessage)
}
