package fsx

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriteOut waits for nothing; where it does not work, Sync does all.
func beginWriteOut(f *os.File, off, n int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}
