package annex

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// frozenDirMode and frozenFileMode are what git-annex gives to key folders and
// objects.
func (a *Annex) frozenDirMode(fi fs.FileMode) fs.FileMode {
	if a.Repo.SharedMode() != 0 {
		return fi.Perm() | 0o770
	}
	return fi.Perm() &^ 0o222
}

func (a *Annex) frozenFileMode(perm fs.FileMode) fs.FileMode {
	perm = perm&^0o222 | 0o400
	if shared := a.Repo.SharedMode(); shared != 0 {
		perm |= shared & 0o444
	}
	return perm
}

// thaw makes a key folder writable.
func (a *Annex) thaw(dir string) error {
	a.freezer.Thaw(dir)
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm()&0o200 != 0 {
		return err
	}
	return os.Chmod(dir, fi.Mode().Perm()|0o200)
}

// thawObject lets an object be moved or removed.
func (a *Annex) thawObject(object string) error {
	err := a.thaw(filepath.Dir(object))
	a.freezer.Thaw(object)
	return err
}

// freeze takes the write permission from object and folder.
func (a *Annex) freeze(object string, perm fs.FileMode) error {
	if err := a.freezeFile(object, perm); err != nil {
		return err
	}
	return a.freezeDir(filepath.Dir(object))
}

func (a *Annex) freezeFile(object string, perm fs.FileMode) error {
	if err := protect(object, a.frozenFileMode(perm.Perm())); err != nil {
		return fmt.Errorf("protect %s: %w", object, err)
	}
	a.freezer.Freeze(object)
	return nil
}

// freezeNew is freeze for an object in a folder that newKeyDir has just made.
// Such folders are all alike, so that only the first one is looked at.
func (a *Annex) freezeNew(object string, perm fs.FileMode) error {
	if err := a.freezeFile(object, perm); err != nil {
		return err
	}
	dir := filepath.Dir(object)
	mode := fs.FileMode(a.newDirs.Load())
	if mode == 0 || a.Repo.SharedMode() != 0 {
		fi, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("protect %s: %w", dir, err)
		}
		mode = fi.Mode() & (fs.ModePerm | fs.ModeSetgid)
		a.newDirs.Store(uint32(mode))
	}
	return a.freezeDirFrom(dir, mode)
}

func (a *Annex) freezeDir(dir string) error {
	fi, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("protect %s: %w", dir, err)
	}
	return a.freezeDirFrom(dir, fi.Mode())
}

// freezeDirFrom is freezeDir for a folder of a known mode.
func (a *Annex) freezeDirFrom(dir string, mode fs.FileMode) error {
	if err := protect(dir, a.frozenDirMode(mode)|mode&fs.ModeSetgid); err != nil {
		return fmt.Errorf("protect %s: %w", dir, err)
	}
	a.freezer.Freeze(dir)
	return nil
}

// protect is os.Chmod for files that may be a colleague's: these have the mode
// that theirs have, and that is as good if they cannot be written to. Folders
// of a shared repository can be.
func protect(path string, mode fs.FileMode) error {
	err := os.Chmod(path, mode)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	fi, serr := os.Stat(path)
	if serr == nil && (fi.IsDir() && fi.Mode().Perm()&0o070 == 0o070 || !fi.IsDir() && fi.Mode().Perm()&0o222 == 0) {
		return nil
	}
	return err
}
