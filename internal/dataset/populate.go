package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

// indexWait is how long another git command may keep the index locked.
const indexWait = 30 * time.Second

// unlockedEntry is an index entry that holds a pointer to a key.
type unlockedEntry struct {
	gitindex.Entry
	key annexkey.Key
}

// unlockedFiles finds the entries with pointers to the keys, in one pass
// through the index: the pointer's text, and so its id, follows from the key.
func (d *Dataset) unlockedFiles(keys []annexkey.Key) ([]unlockedEntry, gitindex.Time, error) {
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return nil, gitindex.Time{}, err
	}
	byID := make(map[string]annexkey.Key, len(keys))
	for _, k := range keys {
		byID[string(d.Repo.Format.HashObject("blob", pointer.Format(k)).Bytes())] = k
	}
	var found []unlockedEntry
	index.Walk(func(r *gitindex.Raw) bool {
		if m := r.Mode(); (m == gitobj.ModeFile || m == gitobj.ModeExec) && r.Stage() == 0 {
			if k, ok := byID[string(r.OID())]; ok {
				found = append(found, unlockedEntry{r.Entry(), k})
			}
		}
		return true
	})
	return found, index.MTime(), nil
}

// populate puts content into the unlocked files of the keys that are pointer
// text so far, and lets the index know their new state.
func (d *Dataset) populate(ctx context.Context, keys []annexkey.Key) error {
	files, _, err := d.unlockedFiles(keys)
	if err != nil {
		return err
	}
	var edits []indexEdit
	for _, f := range files {
		e, ok, err := d.populateOne(ctx, f)
		if err != nil {
			return fmt.Errorf("fill %s: %w", f.Path, err)
		}
		if ok {
			edits = append(edits, e)
		}
	}
	if err := d.updateIndex(ctx, edits); err != nil {
		return err
	}
	return d.fillLinkTexts(ctx, keys)
}

func (d *Dataset) populateOne(ctx context.Context, f unlockedEntry) (indexEdit, bool, error) {
	if fsx.Beneath(d.Path(), f.Path) != nil {
		return indexEdit{}, false, nil
	}
	path := d.Repo.Path(f.Path)
	was, k, ok := readPointer(path)
	object, present := d.Annex.Locate(f.key)
	if !ok || k != f.key || !present {
		return indexEdit{}, false, nil
	}
	perm := fs.FileMode(0o666)
	if f.Mode == gitobj.ModeExec {
		perm = 0o777
	}
	tmp, ok := d.linkBeside(object, path, perm)
	if !ok {
		var err error
		if tmp, err = d.copyBeside(ctx, object, path, perm); err != nil {
			return indexEdit{}, false, err
		}
	}
	return d.swapIn(f, tmp, was)
}

// linkBeside makes the object itself, writable, the file in the work tree
// where annex.thin asks for that and no other file is it already.
func (d *Dataset) linkBeside(object, path string, perm fs.FileMode) (string, bool) {
	if !d.Repo.Config.Bool("annex.thin", false) {
		return "", false
	}
	fi, err := os.Lstat(object)
	if err != nil || links(fi) != 1 || fi.Mode().Perm()&0o100 != perm&0o100 {
		return "", false
	}
	tmp := privateBeside(path)
	if os.Link(object, tmp) != nil {
		return "", false
	}
	d.Annex.Freezer().Thaw(object)
	if err := os.Chmod(object, fi.Mode().Perm()|0o200); err != nil {
		os.Remove(tmp)
		return "", false
	}
	return tmp, true
}

// links is the number of names that the file has; 0 where that is not known.
func links(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 0
}

// copyBeside makes a private copy of an object in the folder of path.
func (d *Dataset) copyBeside(ctx context.Context, object, path string, perm fs.FileMode) (string, error) {
	fi, err := os.Stat(object)
	if err != nil {
		return "", err
	}
	tmp := privateBeside(path)
	if _, err := fsx.Copy(ctx, tmp, object, fsx.CopyOptions{Perm: perm}); err != nil {
		return "", err
	}
	return tmp, d.age(tmp, fi.ModTime())
}

// settled is how old a file's time stamp must be for an index entry of it to
// show every later edit: more than the second that git's stamps count in.
const settled = 2 * time.Second

// age gives a private file the time stamp t, or one that is a little older
// than now: git would have to compare the content of a younger one.
func (d *Dataset) age(tmp string, t time.Time) error {
	if limit := time.Now().Add(-settled); t.After(limit) {
		t = limit
	}
	if err := os.Chtimes(tmp, t, t); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}

// readPointer reads a file of the work tree that may be pointer text.
func readPointer(path string) (fs.FileInfo, annexkey.Key, bool) {
	fi, err := os.Lstat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > pointer.MaxSize {
		return fi, annexkey.Key{}, false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fi, annexkey.Key{}, false
	}
	k, ok := pointer.Parse(text)
	return fi, k, ok
}

// depopulate turns the unmodified unlocked files of dropped keys back into
// pointers.
func (d *Dataset) depopulate(ctx context.Context, keys []annexkey.Key) error {
	files, indexTime, err := d.unlockedFiles(keys)
	if err != nil {
		return err
	}
	var edits []indexEdit
	for _, f := range files {
		e, ok, err := d.depopulateOne(ctx, f, indexTime)
		if err != nil {
			return fmt.Errorf("empty %s: %w", f.Path, err)
		}
		if ok {
			edits = append(edits, e)
		}
	}
	return d.updateIndex(ctx, edits)
}

func (d *Dataset) depopulateOne(ctx context.Context, f unlockedEntry, indexTime gitindex.Time) (indexEdit, bool, error) {
	if fsx.Beneath(d.Path(), f.Path) != nil {
		return indexEdit{}, false, nil
	}
	path := d.Repo.Path(f.Path)
	was, key, isPointer := readPointer(path)
	if isPointer && key == f.key && !f.Stat.Same(gitindex.StatOf(was), d.comparison().stat) {
		// A process that was killed has emptied it; by its size git takes it for modified.
		return indexEdit{gitindex.Edit{Path: f.Path, Mode: f.Mode, OID: f.OID, Stat: gitindex.StatOf(was)}, f.OID}, true, nil
	}
	if was == nil || !was.Mode().IsRegular() || isPointer || d.Annex.Has(f.key) {
		return indexEdit{}, false, nil
	}
	if !f.Stat.Same(gitindex.StatOf(was), d.comparison().stat) || f.Stat.IsRacy(indexTime) {
		v, err := d.hasKey(ctx, path, f.key)
		if err != nil || v != verdictOf(true) {
			return indexEdit{}, false, err
		}
	}
	perm := fs.FileMode(0o666)
	if f.Mode == gitobj.ModeExec {
		perm = 0o777
	}
	tmp := privateBeside(path)
	if err := os.WriteFile(tmp, pointer.Format(f.key), perm); err != nil {
		return indexEdit{}, false, errors.Join(err, os.Remove(tmp))
	}
	if err := d.age(tmp, was.ModTime()); err != nil {
		return indexEdit{}, false, err
	}
	return d.swapIn(f, tmp, was)
}

// indexEdit changes an entry that must still have the id it had.
type indexEdit struct {
	gitindex.Edit
	was gitobj.OID
}

// updateIndex applies the edits to entries that nobody changed meanwhile. If
// the index stays locked, git-annex is asked to do it later.
func (d *Dataset) updateIndex(ctx context.Context, edits []indexEdit) error {
	if len(edits) == 0 {
		return nil
	}
	lock, err := d.Repo.NewIndexLock()
	if err != nil {
		return err
	}
	defer lock.Abort()
	if err := lock.Take(ctx, indexWait); err != nil {
		return d.restageLater(ctx, edits, err)
	}
	index, err := d.Repo.ReadIndex()
	if err != nil && !errors.Is(err, gitindex.ErrUnsupported) {
		return err
	}
	var kept []gitindex.Edit
	for _, e := range edits {
		if index != nil && e.was != "" {
			if now, ok := index.Lookup(e.Path); !ok || now.OID != e.was {
				continue
			}
		}
		fi, err := os.Lstat(d.Repo.Path(e.Path))
		if err != nil || gitindex.StatOf(fi) != e.Edit.Stat {
			e.Stat = gitindex.Stat{} // written to since: git has to compare
		}
		kept = append(kept, e.Edit)
	}
	if err := lock.Write(ctx, kept); err != nil {
		return err
	}
	return lock.Commit()
}

// restageLater leaves the work to the next git-annex command. Only entries
// whose blob stays the same can be left to it.
func (d *Dataset) restageLater(ctx context.Context, edits []indexEdit, cause error) error {
	var locked *git.IndexLockedError
	if !errors.As(cause, &locked) {
		return cause
	}
	var text strings.Builder
	for _, e := range edits {
		if e.was != e.OID || e.Remove {
			return cause
		}
		if fi, err := os.Lstat(d.Repo.Path(e.Path)); err == nil && !strings.Contains(e.Path, "\n") {
			text.WriteString(annex.InodeCache(fi) + ":" + e.Path + "\n")
		}
	}
	l, err := fsx.LockFile(ctx, d.Annex.Dir("restage.lck"), true)
	if err != nil {
		return err
	}
	defer l.Unlock()
	f, err := os.OpenFile(d.Annex.Dir("restage.log"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text.String())
	return errors.Join(err, d.Repo.Share(f.Name()), f.Close())
}
