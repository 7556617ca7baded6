//go:build !linux

package fsx

import "syscall"

func renameNew(string, string) error { return syscall.ENOSYS }
