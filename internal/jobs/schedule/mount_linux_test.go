package schedule_test

import (
	"syscall"
	"testing"
)

// mounted is a file system of its own, of that size; "" where it cannot be had.
func mounted(t *testing.T, size string) string {
	dir := t.TempDir()
	if syscall.Mount("none", dir, "tmpfs", 0, "size="+size) != nil {
		return ""
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}
