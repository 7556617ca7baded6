package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/stemma-data/stemma/internal/annex"
)

// tempFiles are files that are to be renamed into the work tree. They lie in the
// annex, where the file system allows: a killed process leaves nothing in the work
// tree.
type tempFiles struct {
	d       *Dataset
	scratch *annex.Scratch // nil: not needed yet
	dev     uint64         // the file system of scratch
	beside  bool           // a rename from there was not allowed
}

// make makes the new file of a swap.
func (t *tempFiles) make(ctx context.Context, w *swap) (err error) {
	if w.tmp, err = t.path(ctx, w); err != nil {
		return err
	}
	if err = w.fill(w.tmp); err != nil {
		return err
	}
	w.made, err = os.Lstat(w.tmp)
	return err
}

func (t *tempFiles) path(ctx context.Context, w *swap) (string, error) {
	if err := t.open(ctx); err != nil {
		return "", err
	}
	if t.beside || device(w.was) != t.dev {
		return privateBeside(t.d.Repo.Path(w.entry.Path)), nil
	}
	return t.scratch.Path(), nil
}

func (t *tempFiles) open(ctx context.Context) error {
	if t.scratch != nil {
		return nil
	}
	scratch, err := t.d.Annex.Scratch(ctx)
	if err != nil {
		return err
	}
	t.scratch = scratch
	var dir fs.FileInfo
	if dir, err = scratch.Stat(); err == nil {
		t.dev = device(dir)
	}
	return err
}

func device(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Dev)
	}
	return 0
}

// mustMove reports whether the swap failed because the file system allows no
// rename from where the new file was: it is to be made again, and will be beside
// the old one.
func (t *tempFiles) mustMove(w swap, err error) bool {
	if !errors.Is(err, syscall.EXDEV) || w.again {
		return false
	}
	t.beside = true
	return true
}

// swapIn is Dataset.swapIn with a file that it makes.
func (t *tempFiles) swapIn(ctx context.Context, w swap) (indexEdit, bool, error) {
	if err := t.make(ctx, &w); err != nil {
		return indexEdit{}, false, err
	}
	edit, ok, err := t.d.swapIn(w.entry, w.tmp, w.made, w.was)
	if t.mustMove(w, err) {
		w.again = true
		return t.swapIn(ctx, w)
	}
	return edit, ok, err
}

func (t *tempFiles) close() {
	if t.scratch != nil {
		t.scratch.Close()
	}
}
