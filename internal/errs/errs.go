// Package errs gives errors the two things a user needs beside the text: a
// hint that says what to do, and the exit code the process shall end with.
// It knows nothing of commands, terminals or formats.
package errs

import (
	"errors"
	"fmt"
)

// Exit codes shared by all commands; they are DataLad's.
const (
	ExitFailure   = 1 // any failed result, or an error without a code of its own
	ExitUsage     = 2 // bad usage, or no dataset found
	ExitInterrupt = 3 // ended by the user's interrupt
)

// hinted is an error with advice for the user.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// coded is an error that asks for a particular exit code.
type coded struct {
	error
	code int
}

func (c *coded) Unwrap() error { return c.error }

// WithHint attaches advice ("what to do now") to err. A nil err stays nil.
func WithHint(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// WithExit attaches the exit code (1 to 255) that a process failing with err
// shall return. A nil err stays nil.
func WithExit(err error, code int) error {
	if err == nil {
		return nil
	}
	return &coded{err, code}
}

// Hint returns the outermost hint in err's chain, or "".
func Hint(err error) string {
	var h *hinted
	if errors.As(err, &h) {
		return h.hint
	}
	return ""
}

// ExitCode returns 0 for nil, the outermost code attached with WithExit, or
// ExitFailure.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	var c *coded
	if errors.As(err, &c) {
		return c.code
	}
	return ExitFailure
}
