//go:build !linux

package fsx

import "syscall"

// RenameNew is a rename that replaces nothing: the error is an fs.ErrExist where the
// name is taken. Not every system and file system has it.
func RenameNew(string, string) error { return syscall.ENOSYS }
