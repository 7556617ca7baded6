//go:build !linux

package fsx

import (
	"fmt"
	"io/fs"
	"syscall"
)

// Identity names one incarnation of the file at path: device and inode. ""
// means that there is no such file.
func Identity(path string) string { return identityOf(path) }

func sysIdentity(fi fs.FileInfo) string {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d", st.Dev, st.Ino)
	}
	return ""
}
