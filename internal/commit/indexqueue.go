package commit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/stemma-data/stemma/internal/git"
)

// errIndexBusy says that the index is locked while we hold the journal lock of
// the annex. A `git commit` of the user holds the index and runs the hook of
// git-annex, which waits for the journal: whoever has the journal must not
// wait for the index.
var errIndexBusy = errors.New("the index is locked")

// indexPatience is how long the journal lock is held while somebody has the
// index, most often for a millisecond.
const indexPatience = 20 * time.Millisecond

// takeIndex locks the index. Without the journal it may wait for long.
func (p *Publisher) takeIndex(ctx context.Context, b *builder, lock *git.IndexLock) error {
	if b.journal == nil {
		return lock.Take(ctx, p.indexWait())
	}
	err := lock.Take(ctx, min(p.indexWait(), indexPatience))
	if errors.As(err, new(*git.IndexLockedError)) {
		return fmt.Errorf("%w: %w", errIndexBusy, err)
	}
	return err
}

func (p *Publisher) indexWait() time.Duration {
	if p.IndexWait == 0 {
		return DefaultIndexWait
	}
	return p.IndexWait
}

// indexQueue waits, without any lock but the lease, for the index to become
// free. All waits of one publication together have one limit.
type indexQueue struct{ deadline time.Time }

// wait returns when the index is free, or with what git would say when the
// time is up.
func (q *indexQueue) wait(ctx context.Context, p *Publisher) error {
	if q.deadline.IsZero() {
		q.deadline = time.Now().Add(p.indexWait())
	}
	path := p.Repo.IndexPath() + ".lock"
	for {
		if _, err := os.Lstat(path); err != nil && time.Now().Before(q.deadline) {
			return nil
		}
		if !time.Now().Before(q.deadline) {
			return p.indexLocked(ctx)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
}

// indexLocked makes the error that names the lock.
func (p *Publisher) indexLocked(ctx context.Context) error {
	lock, err := p.Repo.NewIndexLock()
	if err != nil {
		return err
	}
	defer lock.Abort()
	if err := lock.Take(ctx, 0); err != nil {
		return err
	}
	return errors.New("the index was locked again and again by other git processes; repeat the command")
}
