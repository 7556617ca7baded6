package transfer

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// DropFrom deletes a remote's copy of the content. Our own copy, whose
// repository is here, counts as one of the proof if it is there, and is locked
// meanwhile; where here is "" (untrusted) it does not count. Errors: *UnsafeError, and those of the remote.
func DropFrom(ctx context.Context, store *local.Store, here string, from remote.Keeper, k annexkey.Key, p Proof) error {
	w := &witnesses{key: k, counted: map[string]bool{}}
	defer w.release()
	if p.Need > 0 && here != "" {
		switch own, err := store.Share(k); {
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
	return from.Remove(ctx, k)
}
