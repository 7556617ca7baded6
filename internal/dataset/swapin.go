package dataset

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// swapIn renames tmp, which is as made says, over the entry's file if that is still
// as it was, and returns the index entry for it. tmp is gone afterwards.
func (d *Dataset) swapIn(f unlockedEntry, tmp string, made, was fs.FileInfo) (indexEdit, bool, error) {
	path := d.Repo.Path(f.Path)
	now, err := os.Lstat(path)
	if err != nil || gitindex.StatOf(now) != gitindex.StatOf(was) {
		return indexEdit{}, false, os.Remove(tmp)
	}
	if same, err := d.exchange(f.Path, tmp, was); err != nil || !same {
		os.Remove(tmp)
		return indexEdit{}, false, err
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return indexEdit{}, false, err
	}
	e := gitindex.Edit{Path: f.Path, Mode: f.Mode, OID: f.OID}
	if os.SameFile(fi, made) && fi.Size() == made.Size() && fi.ModTime().Equal(made.ModTime()) {
		e.Stat = gitindex.StatOf(fi) // nobody wrote to it yet
	}
	return indexEdit{e, f.OID}, true, nil
}

// exchange renames tmp over the file at rel if that is the one that was seen. What
// a symlink on the way leads to is another one.
func (d *Dataset) exchange(rel, tmp string, was fs.FileInfo) (same bool, err error) {
	dir, err := fsx.OpenFolder(d.Path(), path.Dir(rel))
	if err != nil {
		return false, err
	}
	defer dir.Close()
	name := path.Base(rel)
	if same, err = dir.Holds(name, was); err == nil && same {
		err = dir.Take(tmp, name)
	}
	return same, err
}

func privateBeside(path string) string {
	return filepath.Join(filepath.Dir(path), fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
}
