package dataset

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// adoptAdjusted gives a clone in which git has checked out an adjusted branch
// what belongs to it and is not cloned: the branch it was made of, and the
// commit there that it stands on.
func (d *Dataset) adoptAdjusted(ctx context.Context) error {
	head, err := d.Repo.Head(ctx)
	if err != nil || head.OID == "" || d.Repo.Bare {
		return err
	}
	original, _, ok := annex.ParseAdjusted(head.Branch())
	if !ok {
		return nil
	}
	basis := "refs/basis/" + head.Branch()
	if id, err := d.Repo.Ref(ctx, basis); err != nil || id != "" {
		return err
	}
	tip, err := d.belowAdjustment(ctx, head.OID)
	if err != nil {
		return err
	}
	if tip == "" {
		return errs.WithHint(fmt.Errorf("%s is no adjusted branch of git-annex", head.Branch()), "check out the branch %s", original)
	}
	moves := []git.RefMove{{Name: basis, New: tip}}
	if id, err := d.Repo.Ref(ctx, "refs/heads/"+original); err != nil {
		return err
	} else if id == "" {
		moves = append(moves, git.RefMove{Name: "refs/heads/" + original, New: tip})
	}
	return d.Repo.MoveRefs(ctx, moves, annex.AdjustedMessage)
}

// belowAdjustment is the parent of git-annex's own commit in an adjusted
// branch; "" where there is none below commits with one parent each.
func (d *Dataset) belowAdjustment(ctx context.Context, at gitobj.OID) (gitobj.OID, error) {
	for {
		c, err := d.readCommit(ctx, at)
		if err != nil || len(c.parents) != 1 {
			return "", err
		}
		at = c.parents[0]
		if strings.TrimSpace(c.message) == annex.AdjustedMessage {
			return at, nil
		}
	}
}
