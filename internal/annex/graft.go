package annex

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// graftPath is where git-annex puts trees into the history of its branch, to be
// removed by the next commit: from then on whoever has the branch has the tree.
const graftPath = "export.tree"

// KeepTree makes a tree part of the git-annex branch's history, so that git
// neither forgets it nor lacks it in a clone.
func (a *Annex) KeepTree(ctx context.Context, tree gitobj.OID, now time.Time) error {
	who, err := a.Repo.Identities(ctx, now)
	if err != nil {
		return err
	}
	for tries := 0; ; tries++ {
		err = a.graft(ctx, tree, who)
		if tries >= commitTries || !errors.Is(err, errMoved) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("keep tree %s: %w", tree, err)
	}
	return nil
}

func (a *Annex) graft(ctx context.Context, tree gitobj.OID, who git.Identities) error {
	j, err := a.LockJournal(ctx)
	if err != nil {
		return err
	}
	defer j.Unlock()
	tip, err := a.ownBranch(ctx)
	if err != nil {
		return err
	}
	w := a.Repo.WriteObjects(ctx)
	defer w.Abort()
	spec := git.CommitSpec{Who: who, Message: "graft", Changes: []git.TreeChange{{Path: graftPath, Mode: gitobj.ModeTree, OID: tree}}}
	if tip != "" {
		spec.Parents = []gitobj.OID{tip}
	}
	grafted, _, err := w.Commit(spec)
	if err != nil {
		return err
	}
	cleaned, _, err := w.Commit(git.CommitSpec{
		Parents: []gitobj.OID{grafted}, Who: who, Message: "graft cleanup", Changes: []git.TreeChange{{Path: graftPath, Remove: true}},
	})
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	return a.move(ctx, tip, cleaned)
}
