package fsx

import (
	"errors"
	"os"
	"syscall"
)

// probeSize is more than what the small writes of other programs take.
const probeSize = 64 << 10

// ProbeWrite finds out why nothing can be written to a folder, where another
// program or library did not tell: a full disk, a quota, a read-only file
// system, a broken disk. nil means that it can be written to.
func ProbeWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-")
	if err == nil {
		defer os.Remove(f.Name())
		_, err = f.Write(make([]byte, probeSize))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return nil
}
