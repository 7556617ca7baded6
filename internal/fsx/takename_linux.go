package fsx

import (
	"os"

	"golang.org/x/sys/unix"
)

// RenameNew is a rename that replaces nothing: the error is an fs.ErrExist where the
// name is taken. Not every system and file system has it.
func RenameNew(from, to string) error {
	for {
		err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
		if err == nil {
			return nil
		}
		if err != unix.EINTR {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
	}
}
