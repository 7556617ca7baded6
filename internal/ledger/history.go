package ledger

import (
	"context"
	"slices"
	"time"
)

// Closed returns jobs of a work tree ("" for any) that were closed at or after
// since, in the order in which they were scheduled. A limit above zero leaves
// those that were closed last, of those that ever had a scheduler's id; its
// cost does not depend on the length of the history.
func (l *Ledger) Closed(ctx context.Context, worktree string, since time.Time, limit int) (list []Job, err error) {
	query := "SELECT " + jobColumns + " FROM jobs INDEXED BY jobs_closed WHERE state = 'closed' AND closed >= ? AND ? IN ('', worktree)"
	var from int64
	if !since.IsZero() {
		from = since.UnixNano()
	}
	args := []any{from, worktree}
	if limit > 0 {
		query += " AND job_id <> '' ORDER BY closed DESC LIMIT ?"
		args = append(args, limit)
	}
	err = l.view(ctx, func(tx *Tx) error {
		list, err = tx.jobList(query, args...)
		return err
	})
	slices.SortFunc(list, func(a, b Job) int { return int(a.ID - b.ID) })
	return list, err
}
