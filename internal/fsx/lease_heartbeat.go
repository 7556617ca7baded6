package fsx

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// startHeartbeat writes one byte of the lease file again and again. That sets
// its modification time by the clock of whoever keeps the file system. It goes
// through our descriptor, so it cannot refresh a successor's lease.
func (l *Lease) startHeartbeat() {
	l.beat = time.Now()
	l.stop, l.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(l.done)
		tick := time.NewTicker(l.opt.Heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-tick.C:
				l.signal()
			}
		}
	}()
}

func (l *Lease) signal() {
	if _, err := l.file.WriteAt([]byte{'{'}, 0); err != nil {
		return
	}
	if err := l.file.Sync(); err != nil {
		return
	}
	l.mu.Lock()
	l.beat = time.Now()
	l.mu.Unlock()
}

// silence is the time since the last sign of life. The monotonic clock stands
// still while a machine sleeps and the wall clock may be set back; the longer
// of the two counts.
func (l *Lease) silence() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	return max(now.Sub(l.beat), now.Round(0).Sub(l.beat.Round(0)))
}

// joinQueue waits for the first place among the processes of this node. The
// queue is a convenience, not the lock: where flock does not work it returns
// nil, and where somebody keeps the place for too long (flock can be
// cluster-wide, and its holder's node may hang) the caller polls like the first.
func joinQueue(ctx context.Context, path string, opt LeaseOptions) (*os.File, error) {
	f, err := openQueue(path)
	if err != nil || f == nil {
		return nil, err
	}
	err = flock(f, unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if !errors.Is(err, unix.EWOULDBLOCK) || ctx.Err() != nil { // who does not wait looks at the lease itself
		f.Close()
		return nil, nil
	}
	return awaitQueue(ctx, f, opt.StaleAfter+2*opt.Heartbeat)
}

// openQueue returns nil without an error where the file may not be opened: a
// colleague's in a shared repository, or on a file system without the call.
func openQueue(path string) (*os.File, error) {
	f, err := openShared(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return nil, err
		}
		f, err = openShared(path)
	}
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EOPNOTSUPP) {
		return nil, nil
	}
	return f, err
}

// awaitQueue blocks in flock inside a goroutine, because flock cannot be
// cancelled. Who gives up leaves the goroutine to close the file.
func awaitQueue(ctx context.Context, f *os.File, patience time.Duration) (*os.File, error) {
	got := make(chan error)
	left := make(chan struct{})
	go func() {
		err := flock(f, unix.LOCK_EX)
		select {
		case got <- err:
		case <-left:
			f.Close()
		}
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-got:
		if err != nil {
			f.Close()
			f = nil
		}
		return f, nil
	case <-timer.C:
		close(left)
		return nil, nil
	case <-ctx.Done():
		close(left)
		return nil, ctx.Err()
	}
}

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// leaveQueue lets the next process of this node come forward.
func leaveQueue(f *os.File) {
	if f != nil {
		f.Close()
	}
}
