package fsx

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Folder is an open folder below a root. No symlink was followed on the way from
// the root to it, and none is when it is used: whatever others put in the place
// of a folder on the way meanwhile, nothing is read or written there. It is safe
// for concurrent use.
type Folder struct {
	fd   int
	path string // for messages
}

// OpenFolder opens the folder rel (with slashes; "." is root) below root, whose
// own path may have symlinks. The error is an *EscapeError where rel is no plain
// relative path, or has a symlink or another non-folder on its way.
func OpenFolder(root, rel string) (*Folder, error) {
	top, err := openTop(root)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	return top.below(root, rel, false)
}

// MakeFolder is OpenFolder that makes the folders that are missing.
func MakeFolder(root, rel string) (*Folder, error) {
	top, err := openTop(root)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	return top.below(root, rel, true)
}

func openTop(root string) (*Folder, error) {
	fd, err := openDir(unix.AT_FDCWD, root, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open folder", Path: root, Err: err}
	}
	return &Folder{fd, root}, nil
}

// openDir opens a folder; flags are added to those that are always needed.
func openDir(at int, name string, flags int) (fd int, err error) {
	for {
		fd, err = unix.Openat(at, name, folderFlags|unix.O_DIRECTORY|unix.O_CLOEXEC|flags, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// below opens a folder below f.
func (f *Folder) below(root, rel string, create bool) (*Folder, error) {
	if !filepath.IsLocal(filepath.FromSlash(rel)) || strings.ContainsRune(rel, 0) {
		return nil, &EscapeError{root, rel, "it is not a plain relative path"}
	}
	clean := path.Clean(rel)
	fd, err := openBeneath(f.fd, clean)
	if err != nil && (create && errors.Is(err, fs.ErrNotExist) || !decided(err)) {
		fd, err = f.walk(clean, create)
	}
	switch {
	case errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EXDEV):
		return nil, &EscapeError{root, rel, "on its way is a symlink, or another thing that is no folder"}
	case err != nil:
		return nil, &fs.PathError{Op: "open folder", Path: filepath.Join(root, filepath.FromSlash(clean)), Err: err}
	}
	return &Folder{fd, filepath.Join(root, filepath.FromSlash(clean))}, nil
}

// decided reports whether openBeneath's error is about the path.
func decided(err error) bool {
	for _, e := range []error{unix.ELOOP, unix.ENOTDIR, unix.EXDEV, unix.ENOENT, unix.EACCES} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// walk opens one folder after the other.
func (f *Folder) walk(rel string, create bool) (int, error) {
	at, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	for part := range strings.SplitSeq(rel, "/") {
		next, err := openDir(at, part, unix.O_NOFOLLOW)
		if create && errors.Is(err, unix.ENOENT) {
			if err = unix.Mkdirat(at, part, 0o777); err == nil || errors.Is(err, unix.EEXIST) {
				next, err = openDir(at, part, unix.O_NOFOLLOW)
			}
		}
		unix.Close(at)
		if err != nil {
			return -1, err
		}
		at = next
	}
	return at, nil
}

// Close gives the folder up.
func (f *Folder) Close() error { return unix.Close(f.fd) }

// Open opens a file in the folder for reading. A symlink is an error; a pipe is not
// waited for.
func (f *Folder) Open(name string) (*os.File, error) {
	for {
		fd, err := unix.Openat(f.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, f.failed("open", name, err)
		}
		return os.NewFile(uintptr(fd), filepath.Join(f.path, name)), nil
	}
}

// Holds reports whether a name in the folder is still the file, with the size and
// time of modification, that was seen.
func (f *Folder) Holds(name string, seen fs.FileInfo) (bool, error) {
	var now unix.Stat_t
	if err := unix.Fstatat(f.fd, name, &now, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return false, f.failed("lstat", name, err)
	}
	was, ok := seen.Sys().(*syscall.Stat_t)
	return ok && uint64(now.Dev) == uint64(was.Dev) && now.Ino == was.Ino && now.Size == seen.Size() &&
		now.Mtim.Nano() == seen.ModTime().UnixNano(), nil
}

// Take gives a file from elsewhere a name in the folder. What was there is
// replaced in one step.
func (f *Folder) Take(from, name string) error {
	for {
		err := unix.Renameat(unix.AT_FDCWD, from, f.fd, name)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return &os.LinkError{Op: "rename", Old: from, New: filepath.Join(f.path, name), Err: err}
		}
	}
}

// Remove deletes a file in the folder.
func (f *Folder) Remove(name string) error {
	if err := unix.Unlinkat(f.fd, name, 0); err != nil {
		return f.failed("remove", name, err)
	}
	return nil
}

func (f *Folder) failed(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: filepath.Join(f.path, name), Err: err}
}
