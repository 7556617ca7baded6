package fsx

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// TakeName gives a file another name in place of its own, in the same file
// system. Of several processes that want the name one gets it, the others an
// fs.ErrExist: at no moment does it belong to two. It is for lock files, and for
// what must replace nothing.
func TakeName(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		if err = os.Remove(from); err != nil {
			os.Remove(to)
		}
		return err
	}
	if errors.Is(err, fs.ErrExist) || !noSecondName(err) {
		return err
	}
	// FAT, and many network shares, have no second names.
	if err = RenameNew(from, to); err == nil || !notOffered(err) {
		return err
	}
	return reserve(from, to)
}

// reserve makes the name with an empty file, which the right one then replaces.
func reserve(from, to string) error {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	err = errors.Join(f.Close(), Rename(from, to))
	if err != nil {
		os.Remove(to)
	}
	return err
}

// noSecondName reports that the file system does not link files.
func noSecondName(err error) bool { return errors.Is(err, syscall.EPERM) || notOffered(err) }

// notOffered reports that the system does not do such a thing.
func notOffered(err error) bool {
	return errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EINVAL)
}
