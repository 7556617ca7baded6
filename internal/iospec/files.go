package iospec

import (
	"io/fs"
	"os"
)

// Files is what patterns are matched against. Paths are absolute and not clean:
// ".." is to be followed as the kernel does.
type Files interface {
	Exists(path string) bool        // also a link that leads nowhere
	IsDir(path string) bool         // a link is followed
	Same(a, b string) bool          // whether two paths lead to one directory
	List(path string) []fs.DirEntry // of a directory; none where it cannot be read
}

// disk is the file system.
type disk struct{}

func (disk) Exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (disk) IsDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (disk) Same(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

func (disk) List(path string) []fs.DirEntry {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	entries, _ := f.ReadDir(-1)
	return entries
}
