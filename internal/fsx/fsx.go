// Package fsx does to files what must survive a crash, a full disk or a
// neighbour: durable writes, copies, locks that git-annex understands, leases
// that hold across the nodes of a cluster, and the guard against paths that
// leave their root. It knows nothing of git, of annexes, or of commands.
package fsx

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// TempPrefix starts the name of every temporary file this package makes, so
// that leftovers of a killed process can be recognised.
const TempPrefix = ".stemma-tmp-"

// tempBeside returns a fresh name in the folder of path. It does not reuse
// path's own name, which may already have the greatest length allowed.
func tempBeside(path string) string {
	return filepath.Join(filepath.Dir(path), TempPrefix+strings.ToLower(rand.Text()[:16]))
}

// WriteFile replaces path by a file with the content, durably: when it returns
// nil, the new content is what a reader finds after a power cut, and at no
// moment is there a partial file under that name. The permission bits are
// those of a new file (umask applies). A symlink at path is replaced, not
// followed. On failure path is as it was and nothing is left beside it.
func WriteFile(path string, data []byte, perm fs.FileMode) error {
	return WriteFileVia("", path, data, perm)
}

// WriteFileVia is WriteFile with the temporary file in the folder tmpDir, for
// folders whose every file means something to somebody. tmpDir is made if
// missing; "" or another file system means beside path.
func WriteFileVia(tmpDir, path string, data []byte, perm fs.FileMode) error {
	return writeFile(place{tmpDir: tmpDir, path: path}, data, perm)
}

func writeFile(p place, data []byte, perm fs.FileMode) error {
	err := p.fill(func(tmp string) error { return writeSynced(tmp, data, perm) })
	if err == nil {
		err = SyncDir(filepath.Dir(p.path))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.path, err)
	}
	return nil
}

// writeSynced makes a new file and syncs it; it removes what it cannot finish.
func writeSynced(tmp string, data []byte, perm fs.FileMode) (err error) {
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp)
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// ReplaceWithSymlink makes path a symlink with the given target. Whatever file
// or symlink was there is replaced in one step: at no moment is path missing.
// It fails if path is a folder. It does not sync; see SyncDir and SyncFS.
func ReplaceWithSymlink(path, target string) error { return ReplaceWithSymlinkVia("", path, target) }

// ReplaceWithSymlinkVia is ReplaceWithSymlink with the temporary link in the
// folder tmpDir, so that a killed process leaves nothing beside path. The
// folder is made if missing; "" or another file system means beside path.
func ReplaceWithSymlinkVia(tmpDir, path, target string) error {
	return replaceWithSymlink(place{tmpDir: tmpDir, path: path}, target)
}

func replaceWithSymlink(p place, target string) error {
	if err := p.fill(func(tmp string) error { return os.Symlink(target, tmp) }); err != nil {
		return fmt.Errorf("link %s: %w", p.path, err)
	}
	return nil
}

// Rename is os.Rename without its look at the new name before the call: the
// system refuses to replace a folder by a file anyway.
func Rename(from, to string) error {
	for {
		err := syscall.Rename(from, to)
		if err == nil {
			return nil
		}
		if err != syscall.EINTR {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
}

// Readlink is os.Readlink with room for the links of an annex at once.
func Readlink(path string) (string, error) {
	var buf [512]byte
	for {
		n, err := syscall.Readlink(path, buf[:])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return "", &os.PathError{Op: "readlink", Path: path, Err: err}
		case n == len(buf):
			return os.Readlink(path) // longer ones
		}
		return string(buf[:n]), nil
	}
}

// SyncFile writes the content of a file or folder to stable storage. It opens
// the path read-only, so it also works for files of git-annex's object store.
func SyncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync: %w", err)
	}
	return errors.Join(f.Sync(), f.Close())
}

// SyncDir makes the names in a folder durable. File systems that cannot sync
// a folder (they answer EINVAL or ENOTSUP) are taken to do so by themselves.
func SyncDir(dir string) error {
	err := SyncFile(dir)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
