package commit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// holdIntent opens the intent with a lock that the git process which moves the
// refs inherits: if this process is killed alone, whoever recovers can wait
// until that git has ended. The lock is node-local, as the orphan is; from
// another node recovery comes a minute later anyway.
func (p *Publisher) holdIntent() (*os.File, error) {
	f, err := os.Open(p.intentPath())
	if err != nil {
		return nil, fmt.Errorf("hold intent: %w", err)
	}
	// A file system without locks gives none; then time must do.
	_ = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	return f, nil
}

// orphanLife is how long a git process that lost its parent is waited for; it
// takes milliseconds, but its hooks may have left a daemon with our lock.
const orphanLife = 10 * time.Second

// awaitOrphans waits until no git process of the dead writer moves refs.
func (p *Publisher) awaitOrphans(ctx context.Context) error {
	f, err := os.Open(p.intentPath())
	if err != nil {
		return err
	}
	defer f.Close()
	for end := time.Now().Add(orphanLife); time.Now().Before(end); {
		if !errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK) {
			return nil
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// removeRefLocks removes the lock files of refs that a git process left when
// it was killed with its parent.
func (p *Publisher) removeRefLocks(ctx context.Context, in *intent) error {
	began := time.Now()
	if fi, err := os.Stat(p.intentPath()); err == nil {
		began = fi.ModTime()
	}
	// git locks HEAD as well when its branch moves.
	paths := map[string]gitobj.OID{filepath.Join(in.GitDir, "HEAD.lock"): ""}
	for _, m := range in.Moves {
		if m.Name != "HEAD" {
			paths[filepath.Join(p.Repo.CommonDir, filepath.FromSlash(m.Name)+".lock")] = m.New
		}
	}
	for path, id := range paths {
		if err := removeRefLock(ctx, path, id, began); err != nil {
			return err
		}
	}
	return nil
}

// foreignLife is how long a lock without a name in it may be somebody else's.
// git holds such locks for milliseconds.
const foreignLife = 2 * time.Second

// removeRefLock removes a lock that holds our new id, or that is empty, was
// made since the intent, and does not go away. Any other lock is left.
func removeRefLock(ctx context.Context, path string, id gitobj.OID, began time.Time) error {
	fi, err := os.Lstat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.ModTime().Before(began.Add(-time.Second)) {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	if id == "" || !strings.HasPrefix(string(text), string(id)) {
		if len(text) > 0 {
			return nil
		}
		was := fsx.Identity(path)
		for end := time.Now().Add(foreignLife); time.Now().Before(end); {
			if err := pause(ctx, 20*time.Millisecond); err != nil {
				return err
			}
			if fsx.Identity(path) != was {
				return nil
			}
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the lock of a killed git: %w", err)
	}
	return nil
}
