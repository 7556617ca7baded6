package dataset

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/ledger"
)

// closeJobs closes jobs whose results are published: any writer may be the
// one that completes what a killed `finish` left. It runs under the lease and
// may be repeated.
func (d *Dataset) closeJobs(ctx context.Context, done map[int64]gitobj.OID) error {
	l, err := ledger.Open(ctx, commit.StateDir(d.Repo))
	if err != nil {
		return fmt.Errorf("close jobs: %w", err)
	}
	var closings []ledger.Closing
	for row, id := range done {
		job, err := l.Get(ctx, row)
		if errors.Is(err, ledger.ErrNotFound) {
			continue // the ledger was rebuilt meanwhile; the commit stands
		}
		if err != nil {
			return errors.Join(fmt.Errorf("close jobs: %w", err), l.Close())
		}
		if job.State != ledger.StateClosed {
			closings = append(closings, ledger.Closing{ID: row, Outcome: ledger.Committed, Commit: id})
		}
	}
	return errors.Join(l.Finish(ctx, closings...), l.Close())
}
