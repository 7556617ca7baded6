package fsx

import "golang.org/x/sys/unix"

// Free is how many bytes whoever calls can still write to the file system of the
// folder; false where that cannot be told.
func Free(dir string) (int64, bool) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil || st.Bsize <= 0 {
		return 0, false
	}
	blocks := int64(min(uint64(st.Bavail), 1<<62/uint64(st.Bsize)))
	return blocks * int64(st.Bsize), true
}
