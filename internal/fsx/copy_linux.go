package fsx

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// reflink shares the extents of in with out, which is empty.
func reflink(out, in *os.File) error {
	return unix.IoctlFileClone(int(out.Fd()), int(in.Fd()))
}

const rangeStep = 64 << 20

// copyRange lets the kernel copy. It returns 0 and no error where that is not
// possible (another file system, an old kernel, files that claim no length),
// with both files as they were, and the caller reads and writes instead.
func copyRange(ctx context.Context, out, in *os.File, size int64) (int64, error) {
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		n, err := unix.CopyFileRange(int(in.Fd()), nil, int(out.Fd()), nil, rangeStep, 0)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil && rangeUnsupported(err):
			return 0, rewind(out, in)
		case err != nil:
			return total, os.NewSyscallError("copy_file_range", err)
		case n == 0:
			return total, nil
		}
		if total += int64(max(n, 0)); total > size {
			return total, ErrChanged
		}
	}
}

// rangeUnsupported tells "cannot do it this way" from a real failure such as a
// full disk. EIO belongs here: some servers answer so for what they lack, and
// reading and writing shows whether the disk is at fault.
func rangeUnsupported(err error) bool {
	for _, e := range []error{unix.EXDEV, unix.ENOSYS, unix.EOPNOTSUPP, unix.EINVAL, unix.EPERM, unix.EBADF, unix.ETXTBSY, unix.EIO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func rewind(out, in *os.File) error {
	if err := out.Truncate(0); err != nil {
		return err
	}
	_, err := out.Seek(0, io.SeekStart)
	_, err2 := in.Seek(0, io.SeekStart)
	return errors.Join(err, err2)
}
