package gitindex

import (
	"errors"
	"fmt"
)

// ErrUnsupported is what errors.Is finds where the index is (or may be) valid
// but git has to do the work; the *UnsupportedError in the chain says why.
var ErrUnsupported = errors.New("index feature not supported")

// UnsupportedError names the feature that only git understands.
type UnsupportedError struct{ Reason string }

func (e *UnsupportedError) Error() string { return "index not supported: " + e.Reason }

// Is makes the error match ErrUnsupported.
func (e *UnsupportedError) Is(target error) bool { return target == ErrUnsupported }

// splitError is an UnsupportedError about a split index, which can be read
// where its folder is known.
type splitError struct{ *UnsupportedError }

func (e *splitError) Unwrap() error { return e.UnsupportedError }

// CorruptError says that the bytes are no valid index.
type CorruptError struct {
	Offset int64 // bytes from the start of the file, near the fault
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("index corrupt at byte %d: %s", e.Offset, e.Reason)
}

func corrupt(off int, reason string) error {
	return &CorruptError{Offset: int64(off), Reason: reason}
}

func unsupported(format string, args ...any) error {
	return &UnsupportedError{Reason: fmt.Sprintf(format, args...)}
}
