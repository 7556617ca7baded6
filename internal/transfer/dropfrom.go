package transfer

import (
	"context"
	"errors"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// DropFrom deletes a remote's copy of the content. Our own copy, whose
// repository is here, counts as one of the proof if it is there, and is locked
// meanwhile; where here is "" (untrusted) it does not count. Errors: *UnsafeError, and those of the remote.
func DropFrom(ctx context.Context, store *local.Store, here string, from remote.Keeper, k annexkey.Key, p Proof) error {
	deadline, err := deadlineOf(ctx, from)
	if err != nil {
		return err
	}
	w := &witnesses{key: k, counted: map[string]bool{}}
	if l, ok := remote.As[remote.Locator](from); ok {
		if path, ok := l.Locate(k); ok {
			w.going = located(path)
		}
	}
	defer w.release()
	if p.Need > 0 && here != "" {
		switch own, err := store.Share(k); {
		case err == nil && sameFile(from, k, own):
			own.Release() // what is to be deleted there is ours
		case err == nil:
			w.locks = append(w.locks, own)
			w.counted[here] = true
		case errors.Is(err, remote.ErrNoLock):
			return err
		}
	}
	if err := w.gather(ctx, p); err != nil {
		return err
	}
	if err := w.confirm(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if timed, ok := from.(remote.TimedRemover); ok {
		return timed.RemoveBefore(ctx, k, deadline)
	}
	return from.Remove(ctx, k)
}

// proofLife is how long locks of others certainly last, even if they are cut
// off from us. A removal that comes later would rely on nothing.
const proofLife = 5 * time.Minute

// deadlineOf is the moment until which the remote may remove, by its own clock;
// 0 where it has none. It is asked for before the proof is gathered.
func deadlineOf(ctx context.Context, r remote.Keeper) (int64, error) {
	timed, ok := r.(remote.TimedRemover)
	if !ok {
		return 0, nil
	}
	return timed.Deadline(ctx, proofLife)
}
