package dataset

import (
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/stemma-data/stemma/internal/gitindex"
)

// looker asks for the state of many files of a work tree, mostly of one folder
// after the other. It holds the folder, so that the system need not follow the
// names that lead to it for each file. It is for one goroutine.
type looker struct {
	top    *os.File
	folder string // that fd is
	fd     int    // -1: none
}

func newLooker(top *os.File) *looker { return &looker{top: top, fd: -1} }

// openTop opens the folder that lookers start from.
func openTop(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: err}
	}
	return os.NewFile(uintptr(fd), dir), nil
}

func (l *looker) close() {
	if l.fd >= 0 {
		unix.Close(l.fd)
	}
	l.fd = -1
}

// look returns the state of what is at rel; ok is false for whatever reason it
// cannot be told. another is a path that will be asked for soon: a folder is
// only held if it is used again.
func (l *looker) look(rel, another string) (st gitindex.Stat, mode fs.FileMode, ok bool) {
	dir, name := path.Split(rel)
	if dir != l.folder {
		l.close()
		if l.folder = dir; strings.HasPrefix(another, dir) && dir != "" {
			fd, err := unix.Openat(int(l.top.Fd()), dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
			if err == nil {
				l.fd = fd
			}
		}
	}
	var s unix.Stat_t
	var err error
	if l.fd >= 0 {
		err = unix.Fstatat(l.fd, name, &s, unix.AT_SYMLINK_NOFOLLOW)
	} else {
		err = unix.Fstatat(int(l.top.Fd()), rel, &s, unix.AT_SYMLINK_NOFOLLOW)
	}
	if err != nil {
		return st, 0, false
	}
	st = gitindex.Stat{
		CTime: gitindex.Time{Sec: uint32(s.Ctim.Sec), Nsec: uint32(s.Ctim.Nsec)},
		MTime: gitindex.Time{Sec: uint32(s.Mtim.Sec), Nsec: uint32(s.Mtim.Nsec)},
		Dev:   uint32(s.Dev), Ino: uint32(s.Ino), UID: s.Uid, GID: s.Gid, Size: uint32(s.Size),
	}
	mode = fs.FileMode(s.Mode & 0o777)
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	default:
		mode |= fs.ModeIrregular // and looked at again
	}
	return st, mode, true
}
