//go:build !linux

package dataset

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/stemma-data/stemma/internal/gitindex"
)

// looker asks for the state of many files of a work tree.
type looker struct{ top string }

func newLooker(top *os.File) *looker { return &looker{top.Name()} }

func openTop(dir string) (*os.File, error) { return os.Open(dir) }

func (l *looker) close() {}

// look returns the state of what is at rel; ok is false for whatever reason it
// cannot be told.
func (l *looker) look(rel, _ string) (st gitindex.Stat, mode fs.FileMode, ok bool) {
	fi, err := os.Lstat(filepath.Join(l.top, filepath.FromSlash(rel)))
	if err != nil {
		return st, 0, false
	}
	return gitindex.StatOf(fi), fi.Mode(), true
}

// eachName calls fn with every name in the folder (relative to top, with a
// slash at the end; "" is top itself); the bytes are valid only during the
// call. A symbolic link is not followed: the error is ENOTDIR.
func eachName(top *os.File, folder string, fn func(name []byte)) error {
	dir := filepath.Join(top.Name(), filepath.FromSlash(folder))
	if fi, err := os.Lstat(dir); err != nil {
		return err
	} else if !fi.IsDir() {
		return &fs.PathError{Op: "open", Path: dir, Err: syscall.ENOTDIR}
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	for _, name := range names {
		fn([]byte(name))
	}
	return err
}
