package fsx

import "golang.org/x/sys/unix"

// RemoveDir removes an empty folder. Linux gives a folder's blocks back, which can
// take as long as the disk likes, while the folder above is locked, unless the
// folder is open: many that lie in the same one would be removed one by one.
func RemoveDir(path string) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(fd)
	}
	return unix.Rmdir(path)
}
