package fsx

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// SyncFS makes everything durable that was written to the file system on which
// path lies. One call replaces thousands of single syncs.
func SyncFS(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync file system: %w", err)
	}
	defer f.Close()
	err = unix.Syncfs(int(f.Fd()))
	if errors.Is(err, unix.ENOSYS) {
		unix.Sync()
		return nil
	}
	if err != nil {
		return fmt.Errorf("sync file system of %s: %w", path, err)
	}
	return nil
}
