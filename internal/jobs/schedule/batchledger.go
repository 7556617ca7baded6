package schedule

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/ledger"
)

// change puts a change of the ledger off until there are some.
func (b *Batch) later(ctx context.Context, c *Job, fn func(*ledger.Tx) error) error {
	b.mu.Lock()
	b.pending = append(b.pending, rowChange{c, fn})
	var now []rowChange
	if len(b.pending) >= changesAtOnce {
		now, b.pending = b.pending, nil
	}
	b.mu.Unlock()
	b.apply(ctx, now)
	return nil
}

// Flush writes what has been put off.
func (b *Batch) Flush(ctx context.Context) {
	b.apply(ctx, b.pending)
	b.pending = nil
}

// apply makes changes in one transaction. A row that could not be stored
// fails: what its line has left makes the same command take it up.
func (b *Batch) apply(ctx context.Context, list []rowChange) {
	if len(list) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	failures := make([]error, len(list))
	err := jobdb.With(ctx, b.d, "schedule", func(l *ledger.Ledger) error {
		return l.Update(ctx, func(tx *ledger.Tx) error {
			for i, ch := range list {
				failures[i] = ch.fn(tx)
			}
			return nil
		})
	})
	b.step.At("sweep stored")
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, ch := range list {
		ch.c.unsaved = errors.Join(err, failures[i])
	}
}

// rowChange is a change of the ledger that waits.
type rowChange struct {
	c  *Job
	fn func(*ledger.Tx) error
}

// changesAtOnce is how many rows may wait for the ledger.
const changesAtOnce = 64
