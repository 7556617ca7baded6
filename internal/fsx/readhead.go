package fsx

import (
	"io"
	"os"
)

// ReadHead reads a file up to limit bytes; of a longer one it returns the beginning.
func ReadHead(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}
