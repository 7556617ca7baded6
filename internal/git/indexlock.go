package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
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
}

// NewIndexLock prepares a lock; the index is not locked yet.
func (r *Repo) NewIndexLock() (*IndexLock, error) {
	f, err := os.CreateTemp(r.GitDir, "index.stemma-*")
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
		err := os.Link(l.private, l.path)
		if err == nil {
			l.taken = true
			return os.Remove(l.private)
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

// Write puts the present index with the edits applied into the lock file and
// makes it durable. Where the index has a form that only git knows, git does
// it. An edit loses its stat data if its file has been written to since and
// git could not tell.
func (l *IndexLock) Write(ctx context.Context, edits []gitindex.Edit) error {
	err := l.writeOnce(ctx, edits)
	if err == nil && l.distrust(edits) {
		err = l.writeOnce(ctx, edits)
	}
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

func (l *IndexLock) writeOnce(ctx context.Context, edits []gitindex.Edit) error {
	old, err := l.repo.ReadIndex()
	if err == nil {
		err = l.splice(old, edits)
	}
	if errors.Is(err, gitindex.ErrUnsupported) {
		err = l.updateByGit(ctx, edits)
	}
	return err
}

// distrust takes the stat data from edits whose files have changed since, and
// reports whether there are any. git trusts an entry if the file's second is
// older than the index, so such files are looked at again now that the second
// is over: a change shows in the fraction. Those of the index's own second git
// compares by itself, and a link cannot be written to, only replaced.
func (l *IndexLock) distrust(edits []gitindex.Edit) bool {
	fi, err := l.file.Stat()
	if err != nil {
		return false // the sync that follows will fail, too
	}
	written := gitindex.StatOf(fi).MTime
	var found atomic.Bool
	var g errgroup.Group
	g.SetLimit(looksAtOnce)
	for i := range edits {
		e := &edits[i]
		if e.Remove || e.Mode == gitobj.ModeSymlink || e.Stat == (gitindex.Stat{}) || e.Stat.MTime.Sec >= written.Sec {
			continue
		}
		g.Go(func() error {
			fi, err := os.Lstat(l.repo.Path(e.Path))
			if err != nil || gitindex.StatOf(fi) != e.Stat {
				e.Stat = gitindex.Stat{}
				found.Store(true)
			}
			return nil
		})
	}
	_ = g.Wait()
	return found.Load()
}

// looksAtOnce is how many files are looked at together: the index is locked
// meanwhile, and on a parallel file system each look waits.
const looksAtOnce = 64

func (l *IndexLock) splice(old *gitindex.File, edits []gitindex.Edit) error {
	if err := l.rewind(); err != nil {
		return err
	}
	w := bufio.NewWriterSize(l.file, 1<<20)
	v := &verifier{repo: l.repo, left: verifyLimit}
	if err := old.Splice(w, edits, gitindex.Options{Unchanged: v.unchanged}); err != nil {
		return err
	}
	if shared := old.Shared(); shared != "" {
		now := time.Now() // git deletes shared files that have long not been used
		_ = os.Chtimes(shared, now, now)
	}
	return w.Flush()
}

// verifyLimit bounds how many files that were written in the second of the
// last index write are looked at. Beyond it git is made to compare them.
const verifyLimit = 32

// verifier finds out whether files are as their index entries say, by time
// stamps finer than the seconds that git compares.
type verifier struct {
	repo *Repo
	left int
}

func (v *verifier) unchanged(path []byte, recorded gitindex.Stat) bool {
	if v.left == 0 || recorded.MTime.Nsec == 0 || recorded.CTime.Nsec == 0 {
		return false
	}
	v.left--
	fi, err := os.Lstat(v.repo.Path(string(path)))
	if err != nil {
		return false
	}
	now := gitindex.StatOf(fi)
	return now.MTime == recorded.MTime && now.CTime == recorded.CTime && now.Ino == recorded.Ino && now.Size == recorded.Size
}

func (l *IndexLock) rewind() error {
	if _, err := l.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return l.file.Truncate(0)
}

// updateByGit lets `git update-index` work on a copy of the index and puts
// the copy's content into the lock file.
func (l *IndexLock) updateByGit(ctx context.Context, edits []gitindex.Edit) error {
	work := l.path + ".stemma"
	defer os.Remove(work)
	if err := copyWithTime(work, l.repo.IndexPath()); err != nil {
		return err
	}
	cmd := l.repo.Command(ctx, "update-index", "-z", "--index-info")
	cmd.Env = append(cmd.Env, "GIT_INDEX_FILE="+work)
	cmd.Stdin = strings.NewReader(indexInfo(l.repo.Format.Zero(), edits))
	if out, err := cmd.CombinedOutput(); err != nil {
		return commandError(err, []string{"update-index"}, string(out))
	}
	data, err := os.ReadFile(work)
	if err != nil {
		return err
	}
	if err := l.rewind(); err != nil {
		return err
	}
	_, err = l.file.Write(data)
	return err
}

// copyWithTime keeps the time stamp: git compares the entries' times with it
// to find out which ones it must not trust.
func copyWithTime(dst, src string) error {
	data, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	fi, err := os.Stat(src)
	if err != nil {
		return err
	}
	if err := os.WriteFile(dst, data, 0o666); err != nil {
		return err
	}
	return os.Chtimes(dst, fi.ModTime(), fi.ModTime())
}

// indexInfo prints edits for `git update-index -z --index-info`.
func indexInfo[T ~string](zero T, edits []gitindex.Edit) string {
	var b strings.Builder
	for _, e := range edits {
		if e.Remove {
			fmt.Fprintf(&b, "0 %s\t%s\x00", zero, e.Path)
		}
	}
	for _, e := range edits {
		if !e.Remove {
			fmt.Fprintf(&b, "%s %s\t%s\x00", e.Mode, e.OID, e.Path)
		}
	}
	return b.String()
}

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
