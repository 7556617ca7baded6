package fsx

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// FileLock is a POSIX record lock over a whole file (fcntl, start 0, length
// 0), the kind that git-annex takes on journal.lck and on content locks. The
// kernel's locks belong to the process: they do not exclude its goroutines from
// each other, and closing any descriptor of the file drops them. So all locks
// of a process go through one table, which does exclude goroutines and keeps
// one descriptor per file. Nobody else in the process may open a locked file.
type FileLock struct {
	path  string
	entry *lockEntry
	excl  bool // guarded by the table's mutex
	once  sync.Once
}

// ErrLocked is returned by TryLockFile when somebody else holds the lock.
var ErrLocked = errors.New("locked by another process or goroutine")

// LockFile takes a shared or exclusive lock on path, which is created if
// missing (its folder is not). It waits until the lock is free or ctx ends.
// The lock is on the file that path names when LockFile returns: a lock file
// that was removed by its last holder is locked again under its new identity.
func LockFile(ctx context.Context, path string, exclusive bool) (*FileLock, error) {
	return lockFile(ctx, path, exclusive, true)
}

// TryLockFile is LockFile without waiting; the error is ErrLocked if it would.
func TryLockFile(path string, exclusive bool) (*FileLock, error) {
	return lockFile(context.Background(), path, exclusive, false)
}

func lockFile(ctx context.Context, path string, excl, wait bool) (*FileLock, error) {
	for {
		e, err := locks.open(path)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		err = e.acquire(ctx, excl, wait)
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		l := &FileLock{path: path, entry: e, excl: excl}
		if e.isStill(path) {
			return l, nil
		}
		l.Unlock()
	}
}

// Path returns the path as it was given.
func (l *FileLock) Path() string { return l.path }

// Unlock gives the lock back. Further calls do nothing. It does not remove the
// file; who wants that removes it before Unlock, under an exclusive lock.
func (l *FileLock) Unlock() {
	l.once.Do(func() { l.entry.release(l) })
}

// TryExclusive makes a shared lock exclusive, without anybody getting between;
// false if somebody else shares it. An exclusive one stays as it is.
func (l *FileLock) TryExclusive() bool {
	locks.mu.Lock()
	defer locks.mu.Unlock()
	e := l.entry
	switch {
	case l.excl:
		return true
	case e.readers != 1 || e.pending || e.fcntl(unix.F_SETLK, unix.F_WRLCK) != nil:
		return false
	}
	e.kernel, e.readers, e.writer, l.excl = unix.F_WRLCK, 0, true, true
	return true
}

// Share makes an exclusive lock a shared one, without anybody getting between.
func (l *FileLock) Share() {
	locks.mu.Lock()
	defer locks.mu.Unlock()
	e := l.entry
	if !l.excl || e.fcntl(unix.F_SETLK, unix.F_RDLCK) != nil {
		return
	}
	e.kernel, e.readers, e.writer, l.excl = unix.F_RDLCK, 1, false, false
	e.broadcast()
}
