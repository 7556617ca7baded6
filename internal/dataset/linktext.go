package dataset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/pointer"
	"github.com/stemma-data/stemma/internal/result"
)

// Symlinks reports whether the work tree has symlinks. Where core.symlinks is
// false, git writes their targets into plain files.
func (d *Dataset) Symlinks() bool { return d.Repo.Config.Bool("core.symlinks", true) }

// PutLink makes the path rel of the dataset a symlink, or where the work tree has
// none the file that git takes for one. Whatever file was there is replaced in one
// step. A symlink on the way to it is an error.
func (d *Dataset) PutLink(rel, target string) error {
	dir, err := fsx.OpenFolder(d.Path(), path.Dir(rel))
	if err != nil {
		return err
	}
	defer dir.Close()
	return d.PutLinkIn(dir, path.Base(rel), target)
}

// PutLinkIn is PutLink for a name in an open folder.
func (d *Dataset) PutLinkIn(dir *fsx.Folder, name, target string) error {
	if d.Symlinks() {
		return dir.Symlink(commit.TempDir(d.Repo), name, target)
	}
	return dir.WriteFile(commit.TempDir(d.Repo), name, []byte(target), 0o666)
}

// LinkKey returns the key that the entry's file in the work tree leads to, if
// that is a link into the annex, or a file that stands for one.
func (d *Dataset) LinkKey(e gitindex.Entry) (annexkey.Key, bool) {
	if target, err := os.Readlink(d.Repo.Path(e.Path)); err == nil {
		return pointer.ParseLink(target)
	}
	if e.Mode != gitobj.ModeSymlink || d.Symlinks() {
		return annexkey.Key{}, false
	}
	_, k, ok := readPointer(d.Repo.Path(e.Path))
	return k, ok
}

// fillLinkTexts unlocks the files that stand for links to the keys: a work tree
// without symlinks has no other way to show content. Git's entry becomes a
// pointer, so that no later commit makes a symlink of the content.
func (d *Dataset) fillLinkTexts(ctx context.Context, keys []annexkey.Key) error {
	if d.Symlinks() {
		return nil
	}
	wanted := make(map[annexkey.Key]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return err
	}
	u := &unlocking{d: d, index: index, seen: map[string]bool{}, temps: tempFiles{d: d}}
	for e := range index.Under("") {
		if e.Mode != gitobj.ModeSymlink {
			continue
		}
		if k, ok := d.LinkKey(e); ok && wanted[k] {
			if _, err := u.add(ctx, e); err != nil {
				return err
			}
		}
	}
	var failed error
	err = u.run(ctx, result.SinkFunc(func(r result.Record) error {
		if r.Status != result.OK {
			failed = errors.Join(failed, fmt.Errorf("fill %s: %v", r.Path, r.Fields["message"]))
		}
		return nil
	}))
	return errors.Join(err, failed)
}

// CrippledFileSystem reports whether the file system has no symlinks, so that
// files of the annex can only be unlocked ones; git-annex's setting for it,
// annex.crippledfilesystem, is made where that shows now.
func (d *Dataset) CrippledFileSystem() (bool, error) {
	if d.Repo.Config.Bool("annex.crippledfilesystem", false) {
		return true, nil
	}
	if d.Annex == nil || d.Symlinks() {
		return false, nil
	}
	probe := privateBeside(d.Annex.Dir("othertmp", "probe"))
	if os.Symlink("target", probe) == nil {
		return false, ignoreAbsent(os.Remove(probe)) // who uses the folder alone may have removed it
	}
	return true, d.Repo.SetConfig(git.Set("annex.crippledfilesystem", "true"))
}
