// Package remote defines what another repository can do for us: tell whether
// it has content, hand it over, and keep it while we drop ours. It reads which
// remotes git's configuration names and of what kind they are. How a kind is
// reached is the business of a package of its own below this one.
package remote

import (
	"context"
	"errors"
	"fmt"
	"hash"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// The reasons for which a remote cannot serve. They are found with errors.Is.
var (
	// ErrAbsent says that the content is not there.
	ErrAbsent = errors.New("content is not there")
	// ErrBusy says that somebody holds a lock on the content that is in the
	// way: it is being dropped, or (for a drop) it is relied on.
	ErrBusy = errors.New("content is locked")
	// ErrNoLock says that this content cannot be locked by us: no right to
	// write there, or a kind of lock that is not known.
	ErrNoLock = errors.New("content cannot be locked there")
	// ErrNoAnnex says that the repository has no annex.
	ErrNoAnnex = errors.New("it has no annex")
	// ErrUnsupported says that remotes of this kind are not known yet.
	ErrUnsupported = errors.New("remotes of this kind are not supported yet")
)

// Remote is a repository that may have content. It is safe for concurrent use.
type Remote interface {
	Name() string
	UUID() string
	// Present looks now whether the content is there and is not about to be
	// dropped. In doubt it returns an error: ErrBusy, or why it cannot tell.
	Present(ctx context.Context, k annexkey.Key) (bool, error)
	// Fetch copies the content to the file dst, which does not exist yet and
	// must be on the file system of the annex. All bytes that dst holds
	// afterwards have gone through h, which may be nil. Nothing else has been
	// verified. After an error dst does not exist; ErrAbsent if the content is
	// not there.
	Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error
}

// Locker is a Remote that can keep content from being dropped.
type Locker interface {
	Remote
	// Lock succeeds only if the content is there; until Release nobody who
	// honours git-annex's locks drops it. Errors: ErrAbsent, ErrBusy, ErrNoLock.
	Lock(ctx context.Context, k annexkey.Key) (Lock, error)
}

// Lock holds content in its place.
type Lock interface {
	// Held looks whether the lock still protects what it did.
	Held() error
	Release()
}

// MismatchError says that another repository lies where a remote was.
type MismatchError struct{ Name, Want, Have string }

func (e *MismatchError) Error() string {
	return fmt.Sprintf("remote %s is another repository now: its annex is %s, expected %s", e.Name, e.Have, e.Want)
}
