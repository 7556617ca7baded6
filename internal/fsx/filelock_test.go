package fsx

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestFileLockExcludesGoroutines(t *testing.T) {
	path := t.TempDir() + "/l"
	var inside atomic.Int32
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 50 {
				excl := i%4 == 0
				l, err := LockFile(t.Context(), path, excl)
				if err != nil {
					t.Error(err)
					return
				}
				n := int32(1)
				if excl {
					n = 1000
				}
				if got := inside.Add(n); excl && got != 1000 || !excl && got >= 1000 {
					t.Errorf("lock is not exclusive: %d", got)
				}
				inside.Add(-n)
				l.Unlock()
				l.Unlock()
			}
		})
	}
	wg.Wait()
	if len(locks.entries) != 0 {
		t.Errorf("%d entries left", len(locks.entries))
	}
}

func TestFileLockExcludesOtherProcesses(t *testing.T) {
	path := t.TempDir() + "/l"
	a := startHolder(t, "hold-fcntl", path)
	for _, excl := range []bool{true, false} {
		if _, err := TryLockFile(path, excl); !errors.Is(err, ErrLocked) {
			t.Errorf("exclusive %v: %v", excl, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := LockFile(ctx, path, true); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { a.Process.Kill() })
	l, err := LockFile(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := runQuiet(t, "try-fcntl", path); err == nil {
		t.Error("another process took the lock beside us")
	}
	// A failed try by another goroutine must not drop the lock.
	if _, err := TryLockFile(path, false); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
	if err := runQuiet(t, "try-fcntl", path); err == nil {
		t.Error("the lock was dropped by a second try")
	}
	l.Unlock()
	if err := runQuiet(t, "try-fcntl", path); err != nil {
		t.Error("the lock was not given back")
	}
}

// A waiter that gives up must not leave the lock behind when it comes late.
func TestAbandonedWaitGivesTheLockBack(t *testing.T) {
	path := t.TempDir() + "/l"
	a := startHolder(t, "hold-fcntl", path)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := LockFile(ctx, path, true); err == nil {
		t.Fatal("two holders")
	}
	a.Process.Kill()
	a.Wait()
	for range 100 {
		if runQuiet(t, "try-fcntl", path) == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("nobody wants the lock, and it stays taken")
}

func TestFileLockFollowsReplacedFile(t *testing.T) {
	path := t.TempDir() + "/l"
	a, err := LockFile(t.Context(), path, true)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *FileLock)
	go func() {
		b, err := LockFile(t.Context(), path, true)
		if err != nil {
			t.Error(err)
		}
		got <- b
	}()
	time.Sleep(20 * time.Millisecond)
	os.Remove(path)
	a.Unlock()
	b := <-got
	defer b.Unlock()
	if !b.entry.isStill(path) {
		t.Error("the lock is on a file that is gone")
	}
}

func runQuiet(t *testing.T, role, arg string) error {
	t.Helper()
	cmd := roleCommand(t, role, arg)
	cmd.Stderr = nil
	return cmd.Run()
}
