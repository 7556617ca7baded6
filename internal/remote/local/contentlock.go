package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/remote"
)

// thaw makes a key's folder writable and returns what undoes that.
func thaw(dir string, f *annex.Freezer) (restore func()) {
	f.Thaw(dir)
	fi, err := os.Stat(dir)
	if err != nil || fi.Mode().Perm()&0o200 != 0 || os.Chmod(dir, modeOf(fi)|0o200) != nil {
		return func() { f.Freeze(dir) }
	}
	return func() {
		os.Chmod(dir, modeOf(fi))
		f.Freeze(dir)
	}
}

func modeOf(fi fs.FileInfo) fs.FileMode { return fi.Mode().Perm() | fi.Mode()&fs.ModeSetgid }

// ContentLock is a lock on the content of one key.
type ContentLock struct {
	object  string
	info    fs.FileInfo // of the object, when it was locked
	file    *fsx.FileLock
	excl    bool
	frozen  func() // write-protects the key's folder again, for an exclusive lock
	removed bool

	freezer  *annex.Freezer
	carriers *carriers // that the file goes back to; nil: it is removed
}

// Object is the file that is locked, as it was then.
func (c *ContentLock) Object() (path string, info fs.FileInfo) { return c.object, c.info }

// Held looks whether the content is still where it was locked. That content is
// there is not asked of an exclusive lock: whoever holds it is about to delete.
func (c *ContentLock) Held() error {
	if !exists(lockPath(c.object)) || !c.excl && !isRegular(c.object) {
		return remote.ErrAbsent
	}
	return nil
}

// Release gives the lock back and removes the lock file, unless somebody else
// uses it.
func (c *ContentLock) Release() {
	if c.removed {
		return
	}
	switch {
	case c.carriers != nil:
		c.carriers.release(c.file, lockPath(c.object), c.freezer)
		c.frozen()
	case c.excl:
		unlinkIn(lockPath(c.object), c.freezer)
		c.frozen()
		c.file.Unlock()
	default:
		c.file.Unlock()
		c.tidy()
	}
	if c.info == nil { // there was none: the folder may be there for the lock alone
		c.prune(filepath.Dir(c.object), 2)
	}
}

// tidy removes the lock file under an exclusive lock, if that can be had.
func (c *ContentLock) tidy() {
	if !exists(lockPath(c.object)) {
		return
	}
	frozen := thaw(filepath.Dir(c.object), c.freezer)
	defer frozen()
	l, err := fsx.TryLockFile(lockPath(c.object), true)
	if err != nil {
		return
	}
	unlink(lockPath(c.object))
	l.Unlock()
}

// unlink is os.Remove of what is no folder, without a second attempt.
func unlink(path string) error {
	for {
		if err := syscall.Unlink(path); err != syscall.EINTR {
			return err
		}
	}
}

// unlinkIn is unlink in a key's folder, which may be write-protected. It reports
// whether the name is gone.
func unlinkIn(path string, f *annex.Freezer) bool {
	err := unlink(path)
	if errors.Is(err, fs.ErrPermission) {
		frozen := thaw(filepath.Dir(path), f)
		err = unlink(path)
		frozen()
	}
	return err == nil || errors.Is(err, fs.ErrNotExist)
}

// Remove deletes the content and gives the lock, which must be exclusive,
// back.
func (c *ContentLock) Remove() error {
	if !c.excl {
		return errors.New("remove content: not locked for that")
	}
	c.freezer.Erase(c.object)
	err := unlink(c.object)
	if errors.Is(err, fs.ErrPermission) { // somebody has protected the folder again, or a command the object
		thaw(filepath.Dir(c.object), c.freezer)
		c.freezer.Thaw(c.object)
		err = unlink(c.object)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.Release()
		return fmt.Errorf("remove content: %w", err)
	}
	c.removed = true
	nameless := unlinkIn(lockPath(c.object), c.freezer)
	dir := filepath.Dir(c.object)
	gone := syscall.Rmdir(dir) == nil
	if !gone { // mostly nothing else is there
		unlink(retainPath(c.object))
		unlink(c.object + ".rtl")
	}
	switch {
	case c.carriers == nil:
		c.file.Unlock()
	case nameless:
		c.carriers.put(c.file)
	default:
		c.carriers.retire(c.file)
	}
	if gone {
		c.prune(filepath.Dir(dir), 1)
	} else {
		c.prune(dir, 2)
	}
	return nil
}

// prune removes a folder and those above it, n in all, if nothing is left in
// them. The first ones below that of all objects stay, of which there are never more
// than 4,096: the next content would need them again, and the kernel lets only one
// process at a time change the folder that they all lie in. git-annex would remove
// them.
func (c *ContentLock) prune(dir string, n int) {
	for ; n > 0; dir, n = filepath.Dir(dir), n-1 {
		if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}
