package all

import (
	"context"
	"fmt"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// isReadOnly reports whether the user wants nothing to be written there.
func isReadOnly(s remote.Setup) bool {
	return s.Settings.Bool("remote."+s.Name+".annex-readonly", false)
}

func refusal(name string) error {
	return fmt.Errorf("remote %s is configured to be only read (remote.%s.annex-readonly)", name, name)
}

// onlyRead puts readOnly before a repository whose annex may not be changed.
func onlyRead(s remote.Setup) func(remote.Remote, error) (remote.Remote, error) {
	return func(r remote.Remote, err error) (remote.Remote, error) {
		if k, ok := r.(remote.Keeper); ok && err == nil && isReadOnly(s) {
			if _, locks := r.(remote.Locker); locks {
				return lockable{readOnly{k}}, nil
			}
			return readOnly{k}, nil
		}
		return r, err
	}
}

// readOnly refuses what changes the remote; what it can do besides is found
// below it. It hides that content can be removed in time.
type readOnly struct{ remote.Keeper }

// Unwrap implements remote.Unwrapper.
func (r readOnly) Unwrap() remote.Remote { return r.Keeper }

// Store implements remote.Keeper.
func (r readOnly) Store(context.Context, annexkey.Key, remote.Content) error {
	return refusal(r.Name())
}

// Remove implements remote.Keeper.
func (r readOnly) Remove(context.Context, annexkey.Key) error { return refusal(r.Name()) }

// lockable is readOnly whose content may be relied on: a lock changes nothing.
type lockable struct{ readOnly }

// Lock implements remote.Locker.
func (r lockable) Lock(ctx context.Context, k annexkey.Key) (remote.Lock, error) {
	return r.Keeper.(remote.Locker).Lock(ctx, k)
}
