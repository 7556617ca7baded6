package dataset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// completeAdjusted gives a clone of a repository that had an adjusted branch
// checked out what git does not bring: the original branch, and the commit of it
// that the adjusted one stands on.
func (d *Dataset) completeAdjusted(ctx context.Context) error {
	head, err := d.Repo.Head(ctx)
	if err != nil || head.OID == "" || d.Repo.Bare {
		return err
	}
	original, _, ok := annex.ParseAdjusted(head.Branch())
	if !ok {
		return nil
	}
	basis := annex.BasisRef(head.Branch())
	if known, err := d.Repo.Ref(ctx, basis); err != nil || known != "" {
		return err
	}
	at, err := d.adjustedFrom(ctx, head.OID)
	if err != nil {
		return errs.WithHint(fmt.Errorf("clone of the adjusted branch %s: %w", head.Branch(), err), "check out %s", original)
	}
	moves := []git.RefMove{{Name: basis, New: at}}
	if own, err := d.Repo.Ref(ctx, "refs/heads/"+original); err != nil {
		return err
	} else if own == "" {
		there, err := d.Repo.Ref(ctx, "refs/remotes/origin/"+original)
		if err != nil {
			return err
		}
		moves = append(moves, git.RefMove{Name: "refs/heads/" + original, New: cmp.Or(there, at)})
	}
	return d.Repo.MoveRefs(ctx, moves, "stemma: clone of an adjusted branch")
}

// adjustedFrom finds the commit that the last one of git-annex's own stands on.
func (d *Dataset) adjustedFrom(ctx context.Context, tip gitobj.OID) (gitobj.OID, error) {
	out, err := d.Repo.Output(ctx, "log", "-z", "--first-parent", "--format=%P%n%B", "--fixed-strings", "--grep="+annex.AdjustedMessage, string(tip), "--")
	if err != nil {
		return "", err
	}
	for text := range strings.SplitSeq(string(out), "\x00") {
		parents, message, _ := strings.Cut(text, "\n")
		if strings.TrimSpace(message) == annex.AdjustedMessage && len(strings.Fields(parents)) == 1 {
			return gitobj.ParseOID(parents)
		}
	}
	return "", errors.New("it has no commit of git-annex")
}
