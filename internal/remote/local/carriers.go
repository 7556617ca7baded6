package local

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
)

// carriers are lock files that serve one key after the other: what is locked is
// a file, and a file can have several names. A key's lock file so costs a name
// and no new file, which is what takes longest when thousands of keys are locked
// for a moment each (ext4 looks at every file that was deleted in the last
// minutes before it makes one).
//
// A carrier that is free is locked exclusively, and so is one whose name is
// taken away: only a file that nobody else relies on goes on to another key. To
// all others, also git-annex, the lock files are like any.
type carriers struct {
	dir string // for the carriers' own names

	mu   sync.Mutex
	free []*fsx.FileLock
}

// carrierPrefix begins the carriers' names. What killed processes leave is in a
// folder that git-annex clears of old files.
const carrierPrefix = "stemma-lock-"

// Carry makes locking and deleting many keys, few of them at a time, cheap until
// done is called. All locks must be given back by then.
func (s *Store) Carry() (done func()) {
	if s.carriers != nil {
		return func() {}
	}
	c := &carriers{dir: filepath.Join(s.Dir, "othertmp")}
	s.carriers, s.ours = c, !s.isLink()
	return sync.OnceFunc(func() {
		s.carriers, s.ours = nil, false
		for _, l := range c.free {
			c.retire(l)
		}
	})
}

// lock gives the lock file at path, which must not exist, to a key. It is false
// where it exists, or a file cannot have two names: then a file of its own is
// needed.
func (c *carriers) lock(path string, excl bool) (*fsx.FileLock, bool) {
	l, err := c.take()
	if err != nil {
		return nil, false
	}
	if !excl {
		l.Share()
	}
	if err := link(l.Path(), path); err != nil {
		c.put(l)
		return nil, false
	}
	return l, true
}

func link(from, to string) error {
	for {
		if err := syscall.Link(from, to); err != syscall.EINTR {
			return err
		}
	}
}

// take returns a free carrier, or a new one.
func (c *carriers) take() (*fsx.FileLock, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.free); n > 0 {
		l := c.free[n-1]
		c.free = c.free[:n-1]
		return l, nil
	}
	path := filepath.Join(c.dir, carrierPrefix+strings.ToLower(rand.Text()[:16]))
	l, err := fsx.TryLockFile(path, true)
	if errors.Is(err, os.ErrNotExist) {
		if err = os.MkdirAll(c.dir, 0o777); err == nil {
			fsx.Inherit(c.dir)
			l, err = fsx.TryLockFile(path, true)
		}
	}
	return l, err
}

// put takes a carrier back that has no name but its own.
func (c *carriers) put(l *fsx.FileLock) {
	if !l.TryExclusive() {
		c.retire(l)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free = append(c.free, l)
}

// retire gives a carrier up. Other names of it stay.
func (c *carriers) retire(l *fsx.FileLock) {
	unlink(l.Path())
	l.Unlock()
}

// release ends the lock of a key. Where somebody else relies on the file, it
// stays the key's.
func (c *carriers) release(l *fsx.FileLock, path string, f *annex.Freezer) {
	if !l.TryExclusive() || !unlinkIn(path, f) {
		c.retire(l)
		return
	}
	c.put(l)
}
