package commit

import (
	"context"

	"github.com/stemma-data/stemma/internal/git"
)

// earlyIndex is the new index, written while git makes the objects durable. It
// is no lock yet, and of no use if the index changes meanwhile.
type earlyIndex struct {
	lock *git.IndexLock
	err  error
	done chan struct{}
}

// beginIndex starts to write the new index if there is anything to change.
func (b *builder) beginIndex(ctx context.Context) {
	if len(b.edits) == 0 {
		return
	}
	e := &earlyIndex{done: make(chan struct{})}
	b.early = e
	go func() {
		defer close(e.done)
		if e.lock, e.err = b.p.Repo.NewIndexLock(); e.err == nil {
			e.lock.Prepare(ctx, b.edits)
		}
	}()
}

// takeLock waits for the index that is being written and hands its lock over;
// nil: the index does not change.
func (b *builder) takeLock() (*git.IndexLock, error) {
	e := b.early
	if e == nil {
		return nil, nil
	}
	b.early = nil
	<-e.done
	return e.lock, e.err
}

// dropIndex is for an attempt that ends before its lock was handed over.
func (b *builder) dropIndex() {
	if lock, err := b.takeLock(); lock != nil && err == nil {
		lock.Abort()
	}
}
