package errs

import (
	"context"
	"errors"
	"syscall"
)

// Fatal reports whether an error that one file has met will meet all others, too:
// the disk is full or fails, or the user has ended the command.
func Fatal(err error) bool {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
