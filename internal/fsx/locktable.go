package fsx

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fileID is a file's identity while it exists.
type fileID struct{ dev, ino uint64 }

func idOf(fi os.FileInfo) fileID {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}
	}
	return fileID{uint64(st.Dev), uint64(st.Ino)}
}

// lockTable is what the process holds. One process-wide table is not a choice
// here: fcntl locks themselves are process-wide.
type lockTable struct {
	mu      sync.Mutex
	entries map[fileID]*lockEntry
}

var locks = lockTable{entries: map[fileID]*lockEntry{}}

// lockEntry is one file that goroutines of this process hold or wait for. All
// fields but file and id are guarded by the table's mutex.
type lockEntry struct {
	id      fileID
	file    *os.File
	spare   []*os.File // opened by mistake; closing them early would drop the lock
	refs    int        // holders, waiters and a pending kernel call
	readers int
	writer  bool
	kernel  int16 // what the kernel has given: F_UNLCK, F_RDLCK, F_WRLCK
	pending bool  // a goroutine is inside F_SETLKW or F_SETLK
	changed chan struct{}
}

// open finds or makes the entry of path and counts one reference. A file that
// is already in the table is not opened again, unless by two at once.
func (t *lockTable) open(path string) (*lockEntry, error) {
	if fi, err := os.Stat(path); err == nil {
		if e := t.known(idOf(fi)); e != nil {
			return e, nil
		}
	}
	f, err := openLockable(path)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[idOf(fi)]
	if e != nil {
		e.spare = append(e.spare, f)
	} else {
		e = &lockEntry{id: idOf(fi), file: f, kernel: unix.F_UNLCK, changed: make(chan struct{})}
		t.entries[e.id] = e
	}
	e.refs++
	return e, nil
}

// known counts a reference to a file's entry, if there is one.
func (t *lockTable) known(id fileID) *lockEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.entries[id]
	if e != nil {
		e.refs++
	}
	return e
}

// openLockable opens for writing, which exclusive locks need; a file of
// somebody else may still be locked for reading.
func openLockable(path string) (*os.File, error) {
	f, err := openShared(path)
	if errors.Is(err, os.ErrPermission) {
		if ro, roErr := os.Open(path); roErr == nil {
			return ro, nil
		}
	}
	return f, err
}

// isStill reports whether path still names the locked file.
func (e *lockEntry) isStill(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && idOf(fi) == e.id
}

// acquire turns the reference that open counted into a held lock, or gives the
// reference up and returns why.
func (e *lockEntry) acquire(ctx context.Context, excl, wait bool) error {
	locks.mu.Lock()
	defer locks.mu.Unlock()
	for {
		switch {
		case e.grant(excl):
			return nil
		case e.idle():
			if err := e.askKernel(excl, wait); err != nil {
				e.unref()
				return err
			}
			continue
		case !wait:
			e.unref()
			return ErrLocked
		}
		if err := e.await(ctx); err != nil {
			e.unref()
			return err
		}
	}
}

// grant gives the lock to a goroutine if the kernel has given enough and no
// other goroutine is in the way.
func (e *lockEntry) grant(excl bool) bool {
	switch {
	case e.pending || e.writer:
		return false
	case excl && e.kernel == unix.F_WRLCK && e.readers == 0:
		e.writer = true
		return true
	case !excl && e.kernel == unix.F_RDLCK:
		e.readers++
		return true
	}
	return false
}

// idle reports whether the kernel's lock may be changed now.
func (e *lockEntry) idle() bool { return !e.pending && !e.writer && e.readers == 0 }

// await sleeps, without the mutex, until something about e changes.
func (e *lockEntry) await(ctx context.Context) error {
	ch := e.changed
	locks.mu.Unlock()
	defer locks.mu.Lock()
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// askKernel asks for the wanted kind at once. If it is taken and wait is set,
// it leaves the waiting to a goroutine, because F_SETLKW cannot be cancelled:
// a caller that gives up walks away, and the lock is given back when it comes.
func (e *lockEntry) askKernel(excl, wait bool) error {
	kind := int16(unix.F_RDLCK)
	if excl {
		kind = unix.F_WRLCK
	}
	err := e.fcntl(unix.F_SETLK, kind)
	switch {
	case err == nil:
		e.kernel = kind
		return nil
	case !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES):
		return err
	case !wait:
		return ErrLocked
	}
	e.pending = true
	e.refs++
	go e.waitForKernel(kind)
	return nil
}

func (e *lockEntry) waitForKernel(kind int16) {
	err := e.fcntl(unix.F_SETLKW, kind)
	if err != nil {
		// EDEADLK can be a false alarm of several waiting goroutines: the
		// caller asks again, but not in a hot loop.
		time.Sleep(20 * time.Millisecond)
	}
	locks.mu.Lock()
	defer locks.mu.Unlock()
	e.pending = false
	if err == nil {
		e.kernel = kind
	}
	e.broadcast()
	e.unref()
}

func (e *lockEntry) fcntl(cmd int, kind int16) error {
	lk := unix.Flock_t{Type: kind} // whole file
	for {
		err := unix.FcntlFlock(e.file.Fd(), cmd, &lk)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func (e *lockEntry) release(l *FileLock) {
	locks.mu.Lock()
	defer locks.mu.Unlock()
	if l.excl {
		e.writer = false
	} else {
		e.readers--
	}
	if e.readers == 0 {
		// Other processes get their turn before our own waiting goroutines.
		if e.fcntl(unix.F_SETLK, unix.F_UNLCK) == nil {
			e.kernel = unix.F_UNLCK
		}
		e.broadcast()
	}
	e.unref()
}

func (e *lockEntry) broadcast() {
	close(e.changed)
	e.changed = make(chan struct{})
}

// unref drops one reference; the last one closes the file and with it
// whatever lock nobody came for.
func (e *lockEntry) unref() {
	e.refs--
	if e.refs > 0 {
		return
	}
	delete(locks.entries, e.id)
	e.file.Close()
	for _, f := range e.spare {
		f.Close()
	}
}
