package ledger

import (
	"context"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// Closing says how a job ends.
type Closing struct {
	ID      int64
	Outcome Outcome
	Commit  gitobj.OID // "" unless committed
}

// Finish closes jobs in one transaction. A
// job that is already closed in the same way is fine, so that recovery may
// repeat it; closed in another way is a *StateError.
func (l *Ledger) Finish(ctx context.Context, jobs ...Closing) error {
	return l.Update(ctx, func(tx *Tx) error {
		for _, c := range jobs {
			if err := tx.Finish(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// Finish closes one job, whatever its state; see Ledger.Finish.
func (tx *Tx) Finish(c Closing) error {
	job, err := tx.Get(c.ID)
	if err != nil {
		return err
	}
	if job.State == StateClosed {
		if job.Outcome == c.Outcome && job.Commit == c.Commit {
			return nil
		}
		return &StateError{ID: c.ID, Want: StateOpen, Have: StateClosed}
	}
	return tx.Transition(c.ID, job.State, func(j *Job) {
		j.State, j.Outcome, j.Commit = StateClosed, c.Outcome, c.Commit
	})
}

// Prune deletes the records of jobs that were closed before the time and
// returns how many. Nothing calls it but the user's explicit wish.
func (l *Ledger) Prune(ctx context.Context, before time.Time) (n int64, err error) {
	err = l.Update(ctx, func(tx *Tx) error {
		if err := tx.exec("DELETE FROM jobs WHERE state = 'closed' AND closed < ?", before.UnixNano()); err != nil {
			return err
		}
		return tx.one([]any{&n}, "SELECT changes()")
	})
	return n, err
}
