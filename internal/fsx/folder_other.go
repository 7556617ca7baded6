//go:build !linux

package fsx

import "golang.org/x/sys/unix"

const folderFlags = unix.O_RDONLY

func openBeneath(int, string) (int, error) { return -1, unix.ENOSYS }
