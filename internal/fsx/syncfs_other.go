//go:build !linux

package fsx

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// SyncFS makes everything durable that was written to the file system on which
// path lies. One call replaces thousands of single syncs.
func SyncFS(path string) error {
	if _, err := os.Lstat(path); err != nil {
		return fmt.Errorf("sync file system: %w", err)
	}
	unix.Sync()
	return nil
}
