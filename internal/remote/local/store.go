// Package local reaches the annexes of repositories on this machine by their
// path, our own among them: where content lies, git-annex's locks on it, and
// its removal. It runs no program in the other repository, and it decides
// nothing about which content may go.
package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// lockFileVersion is the first repository version in which content is locked
// by a file beside it; before, the content itself was locked.
const lockFileVersion = "10"

// Store is the content in one annex.
type Store struct {
	Dir     string // the annex folder, such as /data/ds/.git/annex
	Bare    bool
	Version string // of the repository: "8", "9" or "10"
	PidLock bool   // annex.pidlock: one lock file instead of record locks
	Guard   *annex.Guard
	Freezer *annex.Freezer // for our own content

	ours     bool      // Dir was looked at and is no link
	carriers *carriers // nil: each lock file is one of its own
}

// Locate returns where the key's content lies, unless it was written to
// (annex.thin).
func (s *Store) Locate(k annexkey.Key) (string, bool) {
	object, ok := s.object(k)
	if !ok || !s.intact(object, k) {
		return "", false
	}
	return object, true
}

// intact reports whether the object is there and can be relied on.
func (s *Store) intact(object string, k annexkey.Key) bool {
	fi, err := os.Lstat(object)
	return err == nil && s.Guard.Intact(object, fi, k)
}

// object returns where the key's object lies, whatever is in it. Both hash
// layouts are tried, the one that is usual in this store first.
func (s *Store) object(k annexkey.Key) (string, bool) {
	if k.Safe() != nil {
		return "", false
	}
	for _, object := range s.places(k) {
		if isRegular(object) {
			return object, true
		}
	}
	return "", false
}

// places are the paths that the object of a safe key can have.
func (s *Store) places(k annexkey.Key) [2]string {
	mixed, lower := k.ObjectPath(), k.ObjectPathLower()
	if s.Bare {
		mixed, lower = lower, mixed
	}
	return [2]string{
		filepath.Join(s.Dir, "objects", filepath.FromSlash(mixed)),
		filepath.Join(s.Dir, "objects", filepath.FromSlash(lower)),
	}
}

func isRegular(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode().IsRegular()
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func lockPath(object string) string { return object + ".lck" }

// Present reports whether the content is here and nobody is dropping it;
// remote.ErrBusy if somebody may be.
func (s *Store) Present(k annexkey.Key) (bool, error) {
	object, ok := s.Locate(k)
	if !ok {
		return false, nil
	}
	switch {
	case s.PidLock:
		if exists(filepath.Join(s.Dir, "pidlock")) {
			return false, remote.ErrBusy
		}
	case s.Version != lockFileVersion:
		if err := lockedForWriting(object); err != nil {
			return false, err
		}
	case exists(lockPath(object)):
		lock, err := s.Share(k)
		if errors.Is(err, remote.ErrAbsent) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		lock.Release()
	}
	return isRegular(object), nil
}

// lockedForWriting asks the kernel whether another process holds an exclusive
// lock on the file; remote.ErrBusy if so.
func lockedForWriting(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lk := unix.Flock_t{Type: unix.F_RDLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lk); err != nil {
		return fmt.Errorf("lock of %s: %w", path, err)
	}
	if lk.Type != unix.F_UNLCK {
		return remote.ErrBusy
	}
	return nil
}

// Share keeps the content from being dropped. Errors: remote.ErrAbsent,
// ErrBusy, ErrNoLock.
func (s *Store) Share(k annexkey.Key) (*ContentLock, error) { return s.lock(k, false) }

// Exclude takes the right to drop the content. Errors are those of Share, and
// ErrLinked.
func (s *Store) Exclude(k annexkey.Key) (*ContentLock, error) {
	if !s.ours && s.isLink() {
		return nil, ErrLinked
	}
	return s.lock(k, true)
}

// isLink reports whether the annex is another repository's.
func (s *Store) isLink() bool {
	fi, err := os.Lstat(s.Dir)
	return err == nil && fi.Mode()&fs.ModeSymlink != 0
}

// ErrLinked says that the annex is a link to another repository's, as in
// DataLad's ephemeral clones: what would be deleted is that one's copy, which
// is not known to be the one that counts here.
var ErrLinked = errors.New("the annex is a link to another repository's; nothing is deleted in it")

// tries bounds how often another process may get between two steps.
const tries = 5

func (s *Store) lock(k annexkey.Key, excl bool) (*ContentLock, error) {
	if s.PidLock {
		return nil, fmt.Errorf("%w: annex.pidlock is set", remote.ErrNoLock)
	}
	if s.Version != lockFileVersion {
		return nil, fmt.Errorf("%w: repository version %s", remote.ErrNoLock, s.Version)
	}
	if s.carriers != nil && k.Safe() == nil {
		// As a rule the object lies in its usual place: it is enough to look there
		// once it is locked.
		if c, err := s.lockIntact(s.places(k)[0], k, excl); err == nil || errors.Is(err, remote.ErrBusy) {
			return c, err
		}
	}
	var err error
	for range tries {
		object, ok := s.object(k)
		if !ok {
			return nil, remote.ErrAbsent
		}
		var c *ContentLock
		c, err = s.lockIntact(object, k, excl)
		if err == nil || errors.Is(err, remote.ErrAbsent) || errors.Is(err, remote.ErrBusy) {
			return c, err
		}
	}
	return nil, fmt.Errorf("%w: %w", remote.ErrNoLock, err)
}

// lockIntact is lockObject for content that somebody will rely on, unless excl.
func (s *Store) lockIntact(object string, k annexkey.Key, excl bool) (*ContentLock, error) {
	c, err := s.lockObject(object, excl)
	if err == nil && !excl && !s.Guard.Intact(object, c.info, k) {
		c.Release()
		return nil, remote.ErrAbsent
	}
	return c, err
}

// lockObject takes the lock and then looks whether the content is still there:
// only what is there under the lock is protected by it.
func (s *Store) lockObject(object string, excl bool) (*ContentLock, error) {
	c := &ContentLock{object: object, excl: excl, frozen: func() {}, freezer: s.Freezer}
	err := c.take(s.carriers)
	if errors.Is(err, fs.ErrPermission) {
		c.frozen = thaw(filepath.Dir(object), s.Freezer)
		err = c.take(s.carriers)
		if !excl || err != nil {
			c.frozen() // who may delete does so at once
			c.frozen = func() {}
		}
	}
	if errors.Is(err, fsx.ErrLocked) {
		return nil, remote.ErrBusy
	}
	if err != nil {
		return nil, err
	}
	if fi, err := os.Lstat(object); err == nil && fi.Mode().IsRegular() {
		c.info = fi
	}
	switch {
	case c.info == nil:
		c.Release()
		return nil, remote.ErrAbsent
	case excl && retained(object):
		c.Release()
		return nil, remote.ErrBusy
	}
	return c, nil
}

// take takes the lock, on a file of its own if there must be one.
func (c *ContentLock) take(carriers *carriers) (err error) {
	if carriers != nil {
		if l, ok := carriers.lock(lockPath(c.object), c.excl); ok {
			c.file, c.carriers = l, carriers
			return nil
		}
	}
	c.file, err = fsx.TryLockFile(lockPath(c.object), c.excl)
	return err
}
