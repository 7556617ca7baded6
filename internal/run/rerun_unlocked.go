package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// An unlocked annexed file is a pointer in git and has its content in the work
// tree. git translates with git-annex's filter; without it, this is done here.

// populate fills the unlocked files that git has just written as pointers, and
// tells the index.
func (x *replay) populate(ctx context.Context, before, now gitobj.OID) error {
	if x.d.Annex == nil {
		return nil
	}
	out, err := x.d.Repo.Output(ctx, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", string(before), string(now))
	if err != nil {
		return err
	}
	changes, err := parseRaw(out)
	if err != nil {
		return err
	}
	var edits []gitindex.Edit
	for _, c := range changes {
		key, ok, err := x.pointerKey(ctx, c.mode, c.id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if filled, err := x.fill(ctx, c, key); err != nil {
			return err
		} else if filled {
			edits = append(edits, gitindex.Edit{Path: c.path, Mode: c.mode, OID: c.id})
		}
	}
	return x.tellIndex(ctx, edits)
}

// parseRaw reads the changes of one diff.
func parseRaw(out []byte) ([]change, error) {
	s := &step{past: &past{}}
	err := parseDiffTree("x\x00"+string(out), map[string]*step{"x": s})
	return s.changes, err
}

// pointerKey returns the key of an unlocked annexed file.
func (x *replay) pointerKey(ctx context.Context, mode gitobj.Mode, id gitobj.OID) (annexkey.Key, bool, error) {
	if mode != gitobj.ModeFile && mode != gitobj.ModeExec {
		return annexkey.Key{}, false, nil
	}
	text, err := x.d.Repo.SmallBlob(ctx, id, pointer.MaxSize)
	if err != nil || text == nil {
		return annexkey.Key{}, false, err
	}
	key, ok := pointer.Parse(text)
	return key, ok, nil
}

// fill replaces a pointer by the content, where that is here.
func (x *replay) fill(ctx context.Context, c change, key annexkey.Key) (bool, error) {
	object, ok := x.d.Annex.Locate(key)
	if !ok || fsx.Beneath(x.d.Path(), c.path) != nil {
		return false, nil
	}
	file := x.d.Repo.Path(c.path)
	fi, err := os.Lstat(file)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > pointer.MaxSize {
		return false, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	if k, ok := pointer.Parse(text); !ok || k != key {
		return false, nil
	}
	// The old time stamp spares git a comparison that needs the filter.
	if _, err := fsx.Copy(ctx, file, object, fsx.CopyOptions{Perm: fi.Mode().Perm() | 0o200, KeepTime: true}); err != nil {
		return false, fmt.Errorf("rerun: fill in %s: %w", c.path, err)
	}
	return true, nil
}

// doubtful reports whether git refused because it takes files for modified.
func doubtful(err error) bool {
	var ce *git.CommandError
	return errors.As(err, &ce) && strings.Contains(ce.Stderr, "local changes")
}

// settle tells the index of unlocked files that are unmodified, where git
// could find that out with git-annex's filter only. It reports whether there
// were any.
func (x *replay) settle(ctx context.Context) (bool, error) {
	if x.d.Annex == nil {
		return false, nil
	}
	out, err := x.d.Repo.Output(ctx, append(append([]string{}, withoutAnnex...), "diff-files", "-z", "--raw", "--no-abbrev")...)
	if err != nil {
		return false, err
	}
	changes, err := parseRaw(out)
	if err != nil {
		return false, err
	}
	edits, err := x.unmodified(ctx, changes)
	if err != nil || len(edits) == 0 {
		return false, err
	}
	return true, x.tellIndex(ctx, edits)
}

// unmodified looks at the content of unlocked files.
func (x *replay) unmodified(ctx context.Context, changes []change) ([]gitindex.Edit, error) {
	var paths []string
	entries := map[string]gitindex.Edit{}
	for _, c := range changes {
		if _, ok, err := x.pointerKey(ctx, c.prevMode, c.prev); err != nil {
			return nil, err
		} else if ok {
			paths = append(paths, c.path)
			entries[c.path] = gitindex.Edit{Path: c.path, Mode: c.prevMode, OID: c.prev}
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	modified, err := x.d.Changes(ctx, dataset.Scope{Paths: paths, NoUntracked: true})
	if err != nil {
		return nil, err
	}
	for _, m := range modified {
		delete(entries, m.Path)
	}
	edits := make([]gitindex.Edit, 0, len(entries))
	for _, e := range entries {
		edits = append(edits, e)
	}
	return edits, nil
}

// tellIndex notes the present state of the files. git distrusts files that
// changed within the second in which the index is written, hence the pause.
func (x *replay) tellIndex(ctx context.Context, edits []gitindex.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	var newest time.Time
	for i := range edits {
		fi, err := os.Lstat(x.d.Repo.Path(edits[i].Path))
		if err != nil {
			return err
		}
		edits[i].Stat = gitindex.StatOf(fi)
		if fi.ModTime().After(newest) {
			newest = fi.ModTime()
		}
	}
	if wait := time.Until(newest.Truncate(time.Second).Add(time.Second)); wait > 0 && wait <= time.Second {
		time.Sleep(wait + 10*time.Millisecond)
	}
	lock, err := x.d.Repo.NewIndexLock()
	if err != nil {
		return err
	}
	if err := lock.Take(ctx, commit.DefaultIndexWait); err != nil {
		lock.Abort()
		return err
	}
	if err := lock.Write(ctx, edits); err != nil {
		lock.Abort()
		return err
	}
	return lock.Commit()
}
