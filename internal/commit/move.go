package commit

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
)

// move publishes what the builder made: intent, index lock, refs, index.
func (p *Publisher) move(ctx context.Context, lease *fsx.Lease, b *builder) error {
	lock, err := b.takeLock()
	if err != nil {
		return err
	}
	published := false
	defer func() {
		if lock != nil && !published {
			lock.Abort()
		}
	}()
	in := newIntent(b, lock)
	if err := p.writeIntent(in); err != nil {
		return err
	}
	if err := p.fillIndex(ctx, b, lock); err != nil {
		return errors.Join(err, p.clearIntent())
	}
	if err := lease.Check(); err != nil {
		return err // the intent is the new holder's now
	}
	if published, err = p.moveRefs(ctx, b); err != nil {
		return err
	}
	return p.follow(ctx, b, lock, in)
}

// fillIndex takes the lock, if there is one, and sees that it holds the new
// index, provided that HEAD is where it was.
func (p *Publisher) fillIndex(ctx context.Context, b *builder, lock *git.IndexLock) error {
	if lock == nil {
		return p.unmoved(ctx, b)
	}
	if err := p.takeIndex(ctx, b, lock); err != nil {
		return err
	}
	if err := p.unmoved(ctx, b); err != nil {
		return err
	}
	return lock.Write(ctx, b.edits)
}

// unmoved reads HEAD again, now that no git can commit through the index.
func (p *Publisher) unmoved(ctx context.Context, b *builder) error {
	head, err := p.Repo.Head(ctx)
	if err != nil {
		return err
	}
	if head != b.head {
		return errMoved
	}
	return nil
}

// moveRefs moves the refs. published says that some have moved, so that the
// rest must follow, even where there is an error.
func (p *Publisher) moveRefs(ctx context.Context, b *builder) (published bool, err error) {
	hold, err := p.holdIntent()
	if err != nil {
		return false, errors.Join(err, p.clearIntent())
	}
	defer hold.Close()
	cause := p.Repo.MoveRefs(ctx, b.moves, b.req.Reason+p.Mark, hold)
	if cause == nil {
		return true, nil
	}
	if left, err := p.leftToMove(ctx, p.Repo.GitDir, b.moves); err == nil && len(left) < len(b.moves) && p.decided(ctx, b.moves) {
		if err := p.Repo.MoveRefs(ctx, left, b.req.Reason+p.Mark, hold); err != nil {
			return true, errs.WithHint(fmt.Errorf("published in part: %w", err), "repeat the command: it completes the rest")
		}
		return true, nil
	}
	return false, p.refsRefused(ctx, b, cause)
}

// refsRefused finds out whether the refs have other values than expected
// (another try will do) or git had another reason.
func (p *Publisher) refsRefused(ctx context.Context, b *builder, cause error) error {
	if err := p.clearIntent(); err != nil {
		return errors.Join(cause, err)
	}
	for _, m := range b.moves {
		now, err := p.currentRef(ctx, p.Repo.GitDir, m.Name)
		if err == nil && now != m.Old {
			return fmt.Errorf("%w: %w", errMoved, cause)
		}
	}
	return cause
}

// follow brings everything else after the refs, which have moved.
func (p *Publisher) follow(ctx context.Context, b *builder, lock *git.IndexLock, in *intent) error {
	ctx = context.WithoutCancel(ctx) // published: an interrupt comes too late
	if b.journal != nil {
		if err := b.journal.Folded(); err != nil {
			return err
		}
	}
	if lock != nil {
		if err := lock.Commit(); err != nil {
			return err
		}
	}
	if err := p.done(ctx, in.doneTags()); err != nil {
		return err
	}
	return p.clearIntent()
}
