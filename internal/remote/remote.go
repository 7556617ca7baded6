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
	"time"

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

// Content is what is handed to a remote: a file of this machine, which nobody
// writes to any more.
type Content struct {
	Path string // absolute
	Size int64  // in bytes
	// Moved, if not nil, is told how many more bytes the remote has taken. It
	// is called from one goroutine at a time.
	Moved func(n int64)
}

// Keeper is a Remote that takes content and gives it up.
type Keeper interface {
	Remote
	// Store makes the content part of the remote. After nil it is durable there
	// and Present; content that was there already is success. A broken transfer
	// leaves nothing that Present reports.
	Store(ctx context.Context, k annexkey.Key, c Content) error
	// Remove deletes the content there; content that is not there is success.
	// It proves nothing: whether other copies suffice, the caller decides.
	// Errors: ErrBusy where somebody relies on it.
	Remove(ctx context.Context, k annexkey.Key) error
}

// TimedRemover is a Keeper whose removals can be bound to a time, so that one
// that is late does not outlive the proof that other copies exist.
type TimedRemover interface {
	Keeper
	// Deadline is the moment in d from now by the remote's own clock; 0 where it
	// has none.
	Deadline(ctx context.Context, d time.Duration) (int64, error)
	// RemoveBefore is Remove that fails after the deadline; 0 is none.
	RemoveBefore(ctx context.Context, k annexkey.Key, deadline int64) error
}

// Resumer is a Remote whose content can be read from any place on, so that a
// broken transfer goes on where it ended.
type Resumer interface {
	Remote
	// FetchFrom appends the content from byte offset on to the file dst, which
	// exists and is offset bytes long; what it appends has gone through h. After
	// an error dst keeps what has arrived. ErrAbsent if the content is not there.
	FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error
}

// Streamer is a Remote that hands content to the hash, or tells Content.Moved,
// as it comes and goes: silence means that nothing moves.
type Streamer interface {
	Remote
	Streams()
}

// Placer is a Remote that cannot hand content to a file, but brings it into the
// annex itself, verified, and records that it is there. It takes git-annex's
// locks for transfers by itself, also when content is stored there.
type Placer interface {
	Keeper
	// Place may return nil without having brought anything.
	Place(ctx context.Context, k annexkey.Key) error
}

// Looker is a Keeper that looks before it sends whether the content is there,
// where that costs less than to send it: to ask it first gains nothing.
type Looker interface {
	Keeper
	Looks()
}

// Timed is a Remote that gives up a transfer in which nothing moves by itself.
type Timed interface {
	Remote
	Timed()
}

// Gatherer is a Remote that serves many requests at once with little more than
// what one costs.
type Gatherer interface {
	Remote
	// Together is how many requests it likes to have at once.
	Together() int
}

// Describer is a Remote that can tell people where its content lies.
type Describer interface {
	Remote
	// Describe returns labels and values, such as "url" and the address, in the
	// order in which they are shown. Secrets are left out.
	Describe() [][2]string
}

// Addresser is a Remote that can tell where a key's content would lie.
type Addresser interface {
	Remote
	// Addresses returns URLs, paths, or what else leads there; none if nothing
	// does. It does not look whether the content is there.
	Addresses(ctx context.Context, k annexkey.Key) ([]string, error)
}

// Locator is a Remote whose content lies in files of this machine.
type Locator interface {
	Remote
	// Locate returns the path of the key's content, if it is there.
	Locate(k annexkey.Key) (path string, ok bool)
}

// Sizer is a Remote that tells at once how large the content is that it has.
type Sizer interface {
	Remote
	// Size returns bytes; false where the content is not there, or is not kept as
	// one file as it is.
	Size(ctx context.Context, k annexkey.Key) (int64, bool)
}

// Locker is a Remote that can keep content from being dropped.
type Locker interface {
	Remote
	// Lock succeeds only if the content is there; until Release nobody who
	// honours git-annex's locks drops it. Errors: ErrAbsent, ErrBusy, ErrNoLock.
	Lock(ctx context.Context, k annexkey.Key) (Lock, error)
}

// LockCarrier is a Locker that locks many keys, few of them at a time, at less
// cost until done is called. All locks must be given back by then.
type LockCarrier interface {
	Locker
	CarryLocks() (done func())
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
