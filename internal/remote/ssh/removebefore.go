package ssh

import (
	"context"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// timedRemoval is the first protocol version with deadlines.
const timedRemoval = 3

// Deadline implements remote.TimedRemover.
func (r *Remote) Deadline(ctx context.Context, d time.Duration) (deadline int64, err error) {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	err = r.with(ctx, func(c *connection) (bool, error) {
		if c.Version() < timedRemoval {
			return false, nil
		}
		now, err := c.Clock(ctx)
		deadline = now + int64(d/time.Second)
		return false, err
	})
	return deadline, err
}

// RemoveBefore implements remote.TimedRemover.
func (r *Remote) RemoveBefore(ctx context.Context, k annexkey.Key, deadline int64) error {
	ctx, cancel := r.patient(ctx)
	defer cancel()
	return r.remove(ctx, func(c *connection) error {
		if c.Version() < timedRemoval || deadline == 0 {
			return c.Remove(ctx, k)
		}
		return c.RemoveBefore(ctx, k, deadline)
	})
}
