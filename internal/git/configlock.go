package git

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Exclusively calls fn while no other process of this program is inside
// Exclusively for the same name, which is a plain file name.
func (r *Repo) Exclusively(name string, fn func() error) error {
	guard, err := takeGuard(r.CommonDir, name)
	if err != nil {
		return err
	}
	defer guard.release()
	return fn()
}

// guard keeps other processes of this program from editing one file, and outlives
// none: the kernel's lock on it ends with the process, and the file that is left
// is taken over.
type guard struct{ lock *fsx.FileLock }

func takeGuard(dir, name string) (*guard, error) {
	ctx, cancel := context.WithTimeout(context.Background(), maxEdit)
	defer cancel()
	path := filepath.Join(dir, "stemma-edit-"+name)
	lock, err := fsx.LockFile(ctx, path, true)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, errs.WithHint(fmt.Errorf("another process has been editing for %s", maxEdit), "find out which one holds %s", path)
	}
	if err != nil {
		return nil, err
	}
	return &guard{lock}, nil
}

// maxEdit is how long another process is waited for: an edit takes milliseconds.
const maxEdit = 10 * time.Second

func (g *guard) release() {
	os.Remove(g.lock.Path())
	g.lock.Unlock()
}

// guardName tells .git/config from .datalad/config, and this one from those of
// other work trees.
func guardName(path string) string {
	sum := sha256.Sum256([]byte(path))
	return fmt.Sprintf("%s-%x", filepath.Base(path), sum[:4])
}

// patience is how long git's own lock on a configuration file is waited for: git
// holds it for milliseconds.
const patience = 2 * time.Second

// takeGitLock takes git's lock, which is a file at path+".lock", as a further name
// of the guard. So the lock of a killed process can be told from one of git: it is
// the same file as the guard.
func (g *guard) takeGitLock(path string) (release func(), err error) {
	lock := path + ".lock"
	release = func() { os.Remove(lock) }
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := os.Link(g.lock.Path(), lock)
		switch {
		case err == nil || g.is(lock):
			return release, nil
		case !errors.Is(err, fs.ErrExist): // a file system without further names
			var f *os.File
			if f, err = os.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); err == nil {
				return release, f.Close()
			}
		}
		if !errors.Is(err, fs.ErrExist) || time.Now().After(deadline) {
			return nil, errs.WithHint(err, "if no other git command is running, remove %s", lock)
		}
	}
}

func (g *guard) is(path string) bool {
	mine, err := os.Lstat(g.lock.Path())
	if err != nil {
		return false
	}
	other, err := os.Lstat(path)
	return err == nil && os.SameFile(mine, other)
}

// replaceConfig gives a configuration file the text that edit makes of the present
// one, under git's lock; a file that is missing is made. Files that guard the edit
// lie in stateDir. prepare may change the new file's mode.
func replaceConfig(path, stateDir string, prepare func(*os.File) error, edit func(old string) (string, error)) error {
	err := func() error {
		g, err := takeGuard(stateDir, guardName(path))
		if err != nil {
			return err
		}
		defer g.release()
		release, err := g.takeGitLock(path)
		if err != nil {
			return err
		}
		defer release()
		old, perm, err := readPlain(path)
		if err != nil {
			return err
		}
		text, err := edit(old)
		if err != nil {
			return err
		}
		err = replaceVia(g.lock.Path()+".new", path, text, perm, prepare)
		if errors.Is(err, syscall.EXDEV) {
			err = replaceVia(filepath.Join(filepath.Dir(path), fsx.TempPrefix+filepath.Base(path)), path, text, perm, prepare)
		}
		return err
	}()
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}

// readPlain returns the text and the permissions of a configuration file; those
// are 0 where it is missing.
func readPlain(path string) (text string, perm fs.FileMode, err error) {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxConfigFile {
		return "", 0, fmt.Errorf("%s is not a plain file of reasonable size", path)
	}
	data, err := os.ReadFile(path)
	return string(data), fi.Mode().Perm(), err
}

// replaceVia writes the text durably, under the name tmp at first; what a killed
// process left there goes.
func replaceVia(tmp, path, text string, perm fs.FileMode, prepare func(*os.File) error) error {
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if perm != 0 {
		err = f.Chmod(perm)
	}
	if err == nil && prepare != nil {
		err = prepare(f)
	}
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
	}
	return err
}
