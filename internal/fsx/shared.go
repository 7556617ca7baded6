package fsx

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Inherit gives a new file or folder what the folder above hands on: where that
// is set-group-id, as in repositories that several users share, whoever may
// write there may write to the new one, whatever the umask. It is for files that
// all of them use, and never fails: the umask's mode is the alternative.
func Inherit(path string) {
	up, err := os.Stat(filepath.Dir(path))
	if err != nil || up.Mode()&fs.ModeSetgid == 0 || up.Mode().Perm()&0o020 == 0 {
		return
	}
	fi, err := os.Lstat(path)
	if err != nil {
		return
	}
	mode := fi.Mode() | up.Mode().Perm()&0o064
	if fi.IsDir() {
		mode = fi.Mode() | fs.ModeSetgid | up.Mode().Perm()&0o075
	}
	if mode != fi.Mode() {
		_ = os.Chmod(path, mode)
	}
}

// openShared opens a file for reading and writing, and makes it, for all who
// may write to its folder, if it is missing.
func openShared(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if !os.IsNotExist(err) {
		return f, err
	}
	if f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666); err == nil {
		Inherit(path)
	}
	return f, err
}

// makeTemp makes a folder for temporary files of all who may write above it.
func makeTemp(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	Inherit(dir)
	return nil
}
