package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// IndexPath is the index of this work tree.
func (r *Repo) IndexPath() string { return filepath.Join(r.GitDir, "index") }

// ReadIndex reads the index, or returns what it read before if the file is
// still the same one; gitindex.ErrUnsupported means that only git can.
func (r *Repo) ReadIndex() (*gitindex.File, error) {
	r.indexMu.Lock()
	defer r.indexMu.Unlock()
	f, err := gitindex.Reopen(r.IndexPath(), r.Format, r.index)
	var corrupt *gitindex.CorruptError
	if errors.As(err, &corrupt) {
		return nil, errs.WithHint(err, "where git cannot read it either, move the file away and run `git reset`, which makes it anew from the last commit and leaves your files as they are")
	}
	if err != nil {
		return nil, err
	}
	r.index = f
	return f, nil
}

// IndexLockedError says that somebody else holds index.lock.
type IndexLockedError struct {
	Path string
	Age  time.Duration // since the lock was taken
}

func (e *IndexLockedError) Error() string {
	return fmt.Sprintf("the index is locked: %s was created %s ago by another git process", e.Path, e.Age.Round(time.Second))
}

// IndexLock is git's own lock on the index. It exists under a name of its own
// before it is taken, so that its identity can be written down first: whoever
// finds it after a crash can tell it from somebody else's lock.
type IndexLock struct {
	repo     *Repo
	path     string // index.lock
	private  string // the name before it is taken
	file     *os.File
	info     fs.FileInfo
	identity string
	taken    bool
	written  *gitindex.File // the index that the file was made from; nil: not made yet, or by git
}

// IndexLockPrefix begins the names of new indexes that are no locks yet; a killed
// process may leave one in the git folder.
const IndexLockPrefix = "index.stemma-"

// NewIndexLock prepares a lock; the index is not locked yet.
func (r *Repo) NewIndexLock() (*IndexLock, error) {
	f, err := os.CreateTemp(r.GitDir, IndexLockPrefix+"*")
	if err != nil {
		return nil, fmt.Errorf("lock index: %w", err)
	}
	l := &IndexLock{repo: r, path: r.IndexPath() + ".lock", private: f.Name(), file: f}
	l.identity = fsx.Identity(l.private)
	if l.info, err = f.Stat(); err == nil {
		err = l.setMode()
	}
	if err != nil {
		l.Abort()
		return nil, fmt.Errorf("lock index: %w", err)
	}
	return l, nil
}

// setMode gives the file the mode of the present index, or else what the
// umask would have given.
func (l *IndexLock) setMode() error {
	if fi, err := os.Stat(l.repo.IndexPath()); err == nil {
		return l.file.Chmod(fi.Mode().Perm())
	}
	if err := l.file.Chmod(0o644); err != nil {
		return err
	}
	return l.repo.shareFile(l.file)
}

// Take locks the index as git does: index.lock appears, or somebody else has
// it. Then it tries again for at most wait and returns an *IndexLockedError.
func (l *IndexLock) Take(ctx context.Context, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := fsx.TakeName(l.private, l.path)
		if err == nil {
			l.taken = true
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("lock index: %w", err)
		}
		if time.Now().After(deadline) {
			return indexLocked(l.path)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func indexLocked(path string) error {
	e := &IndexLockedError{Path: path}
	if fi, err := os.Lstat(path); err == nil {
		e.Age = time.Since(fi.ModTime())
	}
	return errs.WithHint(e, "wait for the other git command to end and repeat this one; if none is running any more, remove %s", path)
}

// Identity names this lock file among all files that ever had its name.
func (l *IndexLock) Identity() string { return l.identity }

// PrivatePath is where the file lies before it is taken.
func (l *IndexLock) PrivatePath() string { return l.private }

// Commit makes the lock file the index.
func (l *IndexLock) Commit() error {
	if err := l.file.Close(); err != nil {
		l.Abort()
		return fmt.Errorf("write index: %w", err)
	}
	if err := fsx.Rename(l.path, l.repo.IndexPath()); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

// Abort gives the lock back and leaves the index as it was.
func (l *IndexLock) Abort() {
	l.file.Close()
	if !l.taken {
		os.Remove(l.private)
		return
	}
	if fi, err := os.Lstat(l.path); err == nil && os.SameFile(fi, l.info) {
		os.Remove(l.path)
	}
}
