package dataset

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
)

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
	err = d.swapAll(ctx, func(s *swapping) error {
		for _, f := range files {
			if err := s.fill(ctx, f); err != nil {
				return fmt.Errorf("fill %s: %w", f.Path, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.fillLinkTexts(ctx, keys)
}

// fill swaps the content in if the entry's file is pointer text so far, and the
// content is here.
func (s *swapping) fill(ctx context.Context, f unlockedEntry) error {
	d := s.d
	if fsx.Beneath(d.Path(), f.Path) != nil {
		return nil
	}
	was, k, ok := readPointer(d.Repo.Path(f.Path))
	object, present := d.Annex.Locate(f.key)
	if !ok || k != f.key || !present {
		return nil
	}
	perm := f.perm()
	return s.add(ctx, swap{entry: f, was: was, fill: func(tmp string) error {
		if d.linkAs(tmp, object, perm) {
			return nil
		}
		return d.copyAs(ctx, tmp, object, perm)
	}})
}

// perm is what the entry's file gets, before the umask.
func (f unlockedEntry) perm() fs.FileMode {
	if f.Mode == gitobj.ModeExec {
		return 0o777
	}
	return 0o666
}

// linkAs makes the object itself, writable, the file in the work tree
// where annex.thin asks for that and no other file is it already.
func (d *Dataset) linkAs(tmp, object string, perm fs.FileMode) bool {
	if !d.Repo.Config.Bool("annex.thin", false) {
		return false
	}
	fi, err := os.Lstat(object)
	if err != nil || links(fi) != 1 || fi.Mode().Perm()&0o100 != perm&0o100 {
		return false
	}
	if os.Link(object, tmp) != nil {
		return false
	}
	d.Annex.Freezer().Thaw(object)
	if err := os.Chmod(object, fi.Mode().Perm()|0o200); err != nil {
		os.Remove(tmp)
		return false
	}
	return true
}

// links is the number of names that the file has; 0 where that is not known.
func links(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Nlink)
	}
	return 0
}

// copyAs makes the private file tmp a copy of an object.
func (d *Dataset) copyAs(ctx context.Context, tmp, object string, perm fs.FileMode) error {
	fi, err := os.Stat(object)
	if err != nil {
		return err
	}
	if _, err := fsx.Copy(ctx, tmp, object, fsx.CopyOptions{Perm: perm, Private: true}); err != nil {
		return err
	}
	return d.age(tmp, fi.ModTime())
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
	return d.swapAll(ctx, func(s *swapping) error {
		for _, f := range files {
			if err := s.empty(ctx, f, indexTime); err != nil {
				return fmt.Errorf("empty %s: %w", f.Path, err)
			}
		}
		return nil
	})
}

// KeepsContent reports whether the entry's file is an unlocked one that has the
// key's content, by the index: it was not emptied when the content went from the
// annex.
func (d *Dataset) KeepsContent(e gitindex.Entry, k annexkey.Key) bool {
	if !e.Mode.IsRegular() || e.Stat.Size == 0 || int(e.Stat.Size) == len(pointer.Format(k)) {
		return false
	}
	fi, err := os.Lstat(d.Repo.Path(e.Path))
	return err == nil && e.Stat.Same(gitindex.StatOf(fi), d.comparison().stat)
}

// empty swaps pointer text in if the entry's file is unmodified content, and that
// is in the annex no more.
func (s *swapping) empty(ctx context.Context, f unlockedEntry, indexTime gitindex.Time) error {
	d := s.d
	if fsx.Beneath(d.Path(), f.Path) != nil {
		return nil
	}
	path := d.Repo.Path(f.Path)
	was, key, isPointer := readPointer(path)
	if isPointer && key == f.key && !f.Stat.Same(gitindex.StatOf(was), d.comparison().stat) {
		// A process that was killed has emptied it; by its size git takes it for modified.
		s.edits = append(s.edits, indexEdit{gitindex.Edit{Path: f.Path, Mode: f.Mode, OID: f.OID, Stat: gitindex.StatOf(was)}, f.OID})
		return nil
	}
	if was == nil || !was.Mode().IsRegular() || isPointer || d.Annex.Has(f.key) {
		return nil
	}
	if !f.Stat.Same(gitindex.StatOf(was), d.comparison().stat) || f.Stat.IsRacy(indexTime) {
		v, err := d.hasKey(ctx, path, f.key)
		if err != nil || v != verdictOf(true) {
			return err
		}
	}
	return s.add(ctx, swap{entry: f, was: was, fill: func(tmp string) error {
		if err := os.WriteFile(tmp, pointer.Format(f.key), f.perm()); err != nil {
			os.Remove(tmp)
			return err
		}
		return d.age(tmp, was.ModTime())
	}})
}
