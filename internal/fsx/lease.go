package fsx

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// LeaseOptions says how to take a lease. The zero value does not wait.
type LeaseOptions struct {
	Wait    time.Duration // longest wait; negative means until the context ends
	Purpose string        // for people: the command that holds the lease

	// Notice is called, once and from another goroutine, when the wait takes
	// longer than NoticeAfter (0: 5 s); the error tells who holds the lease.
	// nil: nobody is told.
	Notice      func(*HeldError)
	NoticeAfter time.Duration

	// StaleAfter is how long a holder on another node must be silent before its
	// lease is broken (0: 60 s), Heartbeat how often a holder gives a sign (0: 10
	// s). Everybody who uses a lease must use the same values.
	StaleAfter, Heartbeat time.Duration

	// Share are permission bits that the file gets whatever the umask: everybody
	// who may want the lease must be able to read whose it is.
	Share fs.FileMode
}

// Lease is the right to be the only writer, among all processes on all nodes
// that share a file system. It is a file made with O_EXCL, which is atomic on
// every file system worth the name, unlike flock.
//
// A lease can be lost: a holder that was suspended for longer than StaleAfter
// may find that another node took over. So Check before each step that must not
// happen twice.
type Lease struct {
	path  string
	opt   LeaseOptions
	rec   leaseRecord
	file  *os.File
	queue *os.File // our place in the queue of this node; nil if there is none

	stop chan struct{}
	done chan struct{}
	once sync.Once
	mu   sync.Mutex
	beat time.Time // last successful sign of life
}

// leaseRecord is the one line of JSON in a lease file.
type leaseRecord struct {
	Owner
	Nonce   string    `json:"nonce"`
	Purpose string    `json:"purpose,omitempty"`
	Since   time.Time `json:"since"`
}

// maxLease bounds what is read of a lease file.
const maxLease = 16 << 10

// longWait is after how long somebody is told of a wait.
const longWait = 5 * time.Second

// AcquireLease takes the lease at path, whose folder is made if missing. Waiting
// processes of one node queue up in the kernel; only the first of them polls
// the file system. A lease whose owner is certainly dead is broken at once,
// one whose owner is silent on another node after StaleAfter. The error is a
// *HeldError if the lease could not be had in time.
func AcquireLease(ctx context.Context, path string, opt LeaseOptions) (*Lease, error) {
	if opt.StaleAfter <= 0 {
		opt.StaleAfter = 60 * time.Second
	}
	if opt.Heartbeat <= 0 {
		opt.Heartbeat = 10 * time.Second
	}
	parent := ctx
	if opt.Wait >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, opt.Wait)
		defer cancel()
	}
	if opt.Notice != nil {
		long := time.AfterFunc(cmp.Or(opt.NoticeAfter, longWait), func() { opt.Notice(heldNow(path, nil)) })
		defer long.Stop()
	}
	queue, err := joinQueue(ctx, path+".queue", opt)
	if err != nil {
		return nil, leaseError(parent, path, err)
	}
	l := &Lease{path: path, opt: opt, queue: queue}
	if err := l.acquire(ctx); err != nil {
		leaveQueue(queue)
		return nil, leaseError(parent, path, err)
	}
	return l, nil
}

// newRecord describes a lease of this process with a nonce that never repeats.
func newRecord(purpose string) leaseRecord {
	return leaseRecord{Owner: Self(), Nonce: rand.Text(), Purpose: purpose, Since: time.Now().UTC()}
}

// acquire polls for the lease file: at first every millisecond, later every 50.
func (l *Lease) acquire(ctx context.Context) error {
	l.rec = newRecord(l.opt.Purpose)
	var watch staleWatch
	pause := time.Millisecond
	for tries := 0; ; tries++ {
		f, err := createLease(l.path, l.rec, l.opt.Share)
		if err == nil {
			l.file = f
			l.startHeartbeat()
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		broken, err := watch.breakIfStale(l.path, l.opt)
		if err != nil {
			return err
		}
		if broken && tries < 20 {
			continue
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		pause = min(2*pause, 50*time.Millisecond)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// createLease makes the lease file, and its folder when that is missing. After
// a failed write (a full disk) the file is removed again.
func createLease(path string, rec leaseRecord, share fs.FileMode) (*os.File, error) {
	line, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return nil, err
	}
	if share != 0 {
		err = f.Chmod(0o600 | share)
	}
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	if err != nil {
		f.Close()
		os.Remove(path)
		return nil, err
	}
	return f, nil
}

// seenLease is a lease file as found on disk.
type seenLease struct {
	rec   leaseRecord // zero if the file is not (yet) complete
	mtime time.Time
	id    fileID
}

// same reports whether o is the same file with the same content.
func (s seenLease) same(o seenLease) bool { return s.id == o.id && s.rec.Nonce == o.rec.Nonce }

// readLease opens the file, which makes network file systems revalidate what
// they cache. A file that is no record reads as a zero record.
func readLease(path string) (seenLease, error) {
	f, err := os.Open(path)
	if err != nil {
		return seenLease{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return seenLease{}, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLease))
	if err != nil {
		return seenLease{}, err
	}
	seen := seenLease{mtime: fi.ModTime(), id: idOf(fi)}
	if json.Unmarshal(b, &seen.rec) != nil {
		seen.rec = leaseRecord{}
	}
	return seen, nil
}

// Path returns the path of the lease file.
func (l *Lease) Path() string { return l.path }

// Check reads the lease file again and returns a *LostError unless it is still
// ours. Call it right before each step that only the one writer may do.
func (l *Lease) Check() error {
	seen, err := readLease(l.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &LostError{Path: l.path}
	case err != nil:
		return fmt.Errorf("check lease %s: %w", l.path, err)
	case seen.rec.Nonce != l.rec.Nonce:
		return &LostError{Path: l.path, By: seen.rec.Owner}
	}
	return nil
}

// Release gives the lease back; further calls do nothing. The error is a
// *LostError if somebody took it over meanwhile.
func (l *Lease) Release() (err error) {
	l.once.Do(func() {
		close(l.stop)
		<-l.done
		err = l.remove()
		l.file.Close()
		leaveQueue(l.queue)
	})
	return err
}

// remove deletes the lease file. As long as the last sign of life is fresh
// nobody may break the lease, so it is ours without a question; else it is
// removed like a stale one, which is safe against breakers.
func (l *Lease) remove() error {
	if l.silence() < l.opt.StaleAfter/2 {
		err := os.Remove(l.path)
		if errors.Is(err, fs.ErrNotExist) {
			return &LostError{Path: l.path}
		}
		return err
	}
	if err := l.Check(); err != nil {
		return err
	}
	removed, err := removeLease(l.path, l.rec.Nonce, l.opt)
	if err == nil && !removed {
		return &LostError{Path: l.path}
	}
	return err
}
