package dataset

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

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

// namesBuffers hold what the system tells of a folder at a time.
var namesBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// eachName calls fn with every name in the folder (relative to top, with a
// slash at the end; "" is top itself); the bytes are valid only during the
// call. A symbolic link is not followed: the error is ENOTDIR or ELOOP.
func eachName(top *os.File, folder string, fn func(name []byte)) error {
	rel := "."
	if folder != "" {
		rel = folder[:len(folder)-1]
	}
	fail := func(op string, err error) error {
		return &fs.PathError{Op: op, Path: filepath.Join(top.Name(), rel), Err: err}
	}
	fd, err := unix.Openat(int(top.Fd()), rel, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return fail("open", err)
	}
	defer unix.Close(fd)
	buf := namesBuffers.Get().(*[64 << 10]byte)
	defer namesBuffers.Put(buf)
	for {
		n, err := unix.Getdents(fd, buf[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fail("read", err)
		}
		if n <= 0 {
			return nil
		}
		eachDirent(buf[:n], fn)
	}
}

// eachDirent calls fn with the names in a row of the system's struct
// linux_dirent64: inode 8 bytes, offset 8, length of the record 2, type 1, and
// the name with NULs behind it.
func eachDirent(row []byte, fn func(name []byte)) {
	const offLen, offName = 16, 19
	for len(row) > offName {
		size := int(binary.NativeEndian.Uint16(row[offLen:]))
		if size <= offName || size > len(row) {
			return
		}
		name, _, _ := bytes.Cut(row[offName:size], []byte{0})
		if s := string(name); s != "." && s != ".." {
			fn(name)
		}
		row = row[size:]
	}
}
