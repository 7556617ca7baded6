//go:build !linux || !amd64

package rig

import (
	"errors"
	"os/exec"
)

// KillAt needs a tracer, which is there for linux/amd64 only.
func KillAt(*exec.Cmd, int, Victims) (int, bool, error) {
	return 0, false, errors.ErrUnsupported
}

// KillWhen needs a tracer as well.
func KillWhen(*exec.Cmd, func(int) bool, Victims) (int, bool, error) {
	return 0, false, errors.ErrUnsupported
}
