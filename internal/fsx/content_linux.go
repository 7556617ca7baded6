package fsx

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// keepsOpenFiles are the file systems, by their magic numbers, on which an open
// file stays readable after it was replaced, whoever replaced it.
var keepsOpenFiles = map[uint32]bool{
	unix.EXT4_SUPER_MAGIC: true, unix.XFS_SUPER_MAGIC: true, unix.BTRFS_SUPER_MAGIC: true,
	unix.F2FS_SUPER_MAGIC: true, unix.TMPFS_MAGIC: true, unix.OVERLAYFS_SUPER_MAGIC: true,
	0x2FC12FC1: true, // ZFS
	0x0BD00BD0: true, // Lustre
	0x47504653: true, // GPFS
}

// mapContent returns a view of the file, or nil.
func mapContent(f *os.File, size int64) *Content {
	var fs unix.Statfs_t
	if int64(int(size)) != size || unix.Fstatfs(int(f.Fd()), &fs) != nil || !keepsOpenFiles[uint32(fs.Type)] {
		return nil
	}
	bytes, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_POPULATE)
	if err != nil {
		return nil
	}
	c := &Content{Bytes: bytes}
	runtime.AddCleanup(c, func(bytes []byte) { _ = unix.Munmap(bytes) }, bytes)
	return c
}
