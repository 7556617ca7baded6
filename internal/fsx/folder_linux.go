package fsx

import "golang.org/x/sys/unix"

// folderFlags open a folder for nothing but the names in it: that asks no server.
const folderFlags = unix.O_PATH

// openBeneath opens the folder rel below at in one call. Systems that do not
// know it answer with an error that is not about the path.
func openBeneath(at int, rel string) (int, error) {
	how := unix.OpenHow{Flags: folderFlags | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	for {
		fd, err := unix.Openat2(at, rel, &how)
		if err != unix.EINTR {
			return fd, err
		}
	}
}
