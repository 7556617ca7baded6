package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Prepare does the work of Write before the lock is taken, as far as it can be
// done then. Write repeats it if the index has changed since, and for whatever
// went wrong. The edits must be the same.
func (l *IndexLock) Prepare(ctx context.Context, edits []gitindex.Edit) {
	old, err := l.repo.ReadIndex()
	if err != nil || ctx.Err() != nil {
		return
	}
	if err := errors.Join(l.splice(old, edits), l.file.Sync()); err == nil {
		l.written = old
	}
}

// Write puts the present index with the edits applied into the lock file and
// makes it durable. Where the index has a form that only git knows, git does
// it. An edit loses its stat data if its file has been written to since and
// git could not tell.
func (l *IndexLock) Write(ctx context.Context, edits []gitindex.Edit) error {
	err := l.writeOnce(ctx, edits)
	if err == nil && l.distrust(edits) {
		l.written = nil
		err = l.writeOnce(ctx, edits)
	}
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

func (l *IndexLock) writeOnce(ctx context.Context, edits []gitindex.Edit) error {
	old, err := l.repo.ReadIndex()
	if err == nil && l.written == old {
		return nil // Prepare has done it
	}
	l.written = nil
	if err == nil {
		err = l.splice(old, edits)
	}
	if errors.Is(err, gitindex.ErrUnsupported) {
		err = l.updateByGit(ctx, edits)
	}
	if err == nil {
		err = l.file.Sync()
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
	w := bufio.NewWriterSize(fsx.NewEarlyWriter(l.file), 1<<20)
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
