//go:build !linux

package fsx

import "syscall"

// RemoveDir removes an empty folder.
func RemoveDir(path string) error { return syscall.Rmdir(path) }
