package fsx

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// HeldError says that a lease is held by somebody else and the time to wait ran
// out, or the context ended.
type HeldError struct {
	Path    string
	Holder  Owner // PID is 0 if the holder could not be read
	Purpose string
	Age     time.Duration // since the holder took it, by the local clock; 0 if unknown
	Err     error         // the context's error, or nil
}

func (e *HeldError) Error() string {
	msg := fmt.Sprintf("lease %s is held by %s", e.Path, e.Holder)
	if e.Purpose != "" {
		msg += fmt.Sprintf(" (%s)", e.Purpose)
	}
	if e.Age > 0 {
		msg += fmt.Sprintf(" since %s", e.Age.Round(time.Second))
	}
	return msg
}

func (e *HeldError) Unwrap() error { return e.Err }

// LostError says that the caller's lease is not there any more.
type LostError struct {
	Path string
	By   Owner // who has it now; PID is 0 if nobody
}

func (e *LostError) Error() string {
	if e.By.PID == 0 {
		return fmt.Sprintf("lease %s was lost", e.Path)
	}
	return fmt.Sprintf("lease %s was lost to %s", e.Path, e.By)
}

// leaseError turns "time ran out" into a *HeldError and wraps the rest.
func leaseError(parent context.Context, path string, err error) error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("take lease %s: %w", path, err)
	}
	return heldNow(path, parent.Err())
}

// heldNow tells who holds the lease.
func heldNow(path string, err error) *HeldError {
	held := &HeldError{Path: path, Err: err}
	if seen, err := readLease(path); err == nil {
		held.Holder, held.Purpose = seen.rec.Owner, seen.rec.Purpose
		if !seen.rec.Since.IsZero() {
			held.Age = max(time.Since(seen.rec.Since), 0)
		}
	}
	return held
}
