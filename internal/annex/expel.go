package annex

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// Expel moves the object of a key, which is damaged, to the path bad, and
// removes the folders that are empty then.
func (a *Annex) Expel(k annexkey.Key, object, bad string) error {
	if err := k.Safe(); err != nil {
		return fmt.Errorf("set aside damaged content: %w", err)
	}
	err := errors.Join(os.MkdirAll(filepath.Dir(bad), 0o777), a.thawObject(object))
	if err == nil {
		err = os.Rename(object, bad)
	}
	if err != nil {
		return fmt.Errorf("set aside damaged content: %w", err)
	}
	a.pruneAbove(object)
	return nil
}

// Protect takes the write permission from an object and its folder, unless a
// file of the work tree is the object (annex.thin).
func (a *Annex) Protect(object string) error {
	fi, err := os.Lstat(object)
	if err != nil {
		return err
	}
	if fi.Mode().Perm()&0o222 == 0 {
		a.freezer.Freeze(object)
		a.freezer.Freeze(filepath.Dir(object))
		return nil
	}
	if a.Repo.Config.Bool("annex.thin", false) || a.Repo.Config.Bool("annex.crippledfilesystem", false) {
		return nil
	}
	return a.freeze(object, fi.Mode())
}

// Disown removes the object of a key if it is the very file with the state fi,
// which has other content by now (annex.thin). The file itself stays.
func (a *Annex) Disown(k annexkey.Key, fi fs.FileInfo) (removed bool, err error) {
	object, now := a.Object(k)
	if now == nil || !os.SameFile(now, fi) {
		return false, nil
	}
	if err := errors.Join(a.thawObject(object), os.Remove(object)); err != nil {
		return false, fmt.Errorf("remove %s, whose content has changed: %w", object, err)
	}
	a.pruneAbove(object)
	return true, nil
}

// pruneAbove removes the folders that led to an object, as far as they are
// empty.
func (a *Annex) pruneAbove(object string) {
	for dir, n := filepath.Dir(object), 0; n < 3; dir, n = filepath.Dir(dir), n+1 {
		if os.Remove(dir) != nil {
			return
		}
	}
}
