package ledger

import (
	"context"
	"database/sql"
	"fmt"
)

// Claims of isolated jobs are kept apart from those of jobs that write in the
// work tree itself, by what stands before the name of the work tree in the
// table: any number of isolated jobs may claim a path, and looking for the one
// claim that is in the way must not pass over all of them. Names of work trees
// begin with "/", which sorts before these.
const (
	isolatedSpace = "isolated:"
	wordsSpace    = "words:" // here the "path" is Job.Words
)

// Worded returns the isolated jobs of a work tree that are not closed and were
// asked for in the same words, oldest first.
func (l *Ledger) Worded(ctx context.Context, worktree, words string) (list []Job, err error) {
	err = l.view(ctx, func(tx *Tx) error {
		var rows []int64
		err := tx.each(func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id)
			rows = append(rows, id)
			return err
		}, "SELECT job FROM claims WHERE worktree = ? AND path = ? ORDER BY job", wordsSpace+worktree, words)
		for _, id := range rows {
			if err != nil {
				return err
			}
			var job Job
			job, err = tx.Get(id)
			list = append(list, job)
		}
		return err
	})
	return list, err
}

// Enter claims for an isolated job, until Leave, the paths in the work tree
// itself: its outputs are brought back there. The error is a *ConflictError if
// another isolated job is there; what else claims a path is the caller's to
// know.
func (tx *Tx) Enter(id int64) error {
	job, err := tx.Get(id)
	if err != nil {
		return err
	}
	if job.Isolated == "" || job.State == StateClosed {
		return fmt.Errorf("job #%d is %s and brings nothing back", id, job.State)
	}
	for _, p := range job.Claims {
		query, args := overlapQuery(job.WorkTree, p)
		var others []Claim
		err := tx.each(func(rows *sql.Rows) error {
			var c Claim
			err := rows.Scan(&c.Path, &c.Job)
			others = append(others, c)
			return err
		}, query, args...)
		if err != nil {
			return err
		}
		for _, c := range others {
			other, err := tx.Get(c.Job)
			if err != nil {
				return err
			}
			if other.ID != id && other.Isolated != "" {
				return &ConflictError{Path: p, OtherPath: c.Path, Other: other}
			}
		}
	}
	return tx.addClaimsTo(job.WorkTree, &job)
}

// Leave gives back what Enter has claimed.
func (tx *Tx) Leave(id int64) error {
	job, err := tx.Get(id)
	if err != nil || job.Isolated == "" {
		return err
	}
	return tx.exec("DELETE FROM claims WHERE job = ? AND worktree = ?", id, job.WorkTree)
}
