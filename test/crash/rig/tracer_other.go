//go:build !linux || !amd64

package rig

import (
	"errors"
	"os/exec"
)

// Victims says who dies at the chosen moment.
type Victims int

// The two ways in which programs die: alone, or with all their children.
const (
	Group Victims = iota
	Main
)

func (v Victims) String() string { return [...]string{"group", "main"}[v] }

// KillAt needs a tracer, which is there for linux/amd64 only.
func KillAt(*exec.Cmd, int, Victims) (int, bool, error) {
	return 0, false, errors.ErrUnsupported
}
