package annex

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/stemma-data/stemma/internal/git"
)

// commitTries bounds how often the branch may move under a commit: only by a
// program that ignores the journal lock.
const commitTries = 5

// Commit brings the edits, and whatever waits in the journal, onto the
// git-annex branch, under git-annex's lock. It is for repositories in which
// nobody else's refs and index have to move along. Nothing happens where there
// is nothing to commit.
func (a *Annex) Commit(ctx context.Context, edits []LogEdit, now time.Time, reason string) error {
	who, err := a.Repo.Identities(ctx, now)
	if err != nil {
		return err
	}
	for tries := 0; ; tries++ {
		err = a.commitOnce(ctx, edits, who, reason)
		if tries >= commitTries || !errors.Is(err, errMoved) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("commit to the git-annex branch: %w", err)
	}
	return nil
}

func (a *Annex) commitOnce(ctx context.Context, edits []LogEdit, who git.Identities, reason string) error {
	j, err := a.LockJournal(ctx)
	if err != nil {
		return err
	}
	defer j.Unlock()
	if waiting, err := j.readJournal(); err != nil || len(waiting) == 0 && len(edits) == 0 {
		return err
	}
	tip, err := a.Repo.Ref(ctx, BranchRef)
	if err != nil {
		return err
	}
	w := a.Repo.WriteObjects(ctx)
	defer w.Abort()
	next, err := j.Prepare(ctx, w, tip, edits, who)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return err
	}
	if next != tip {
		err := a.Repo.MoveRefs(ctx, []git.RefMove{{Name: BranchRef, Old: tip, New: next}}, reason)
		if now, rerr := a.Repo.Ref(ctx, BranchRef); err != nil && rerr == nil && now != tip {
			return errMoved
		}
		if err != nil {
			return err
		}
	}
	return j.Folded()
}
