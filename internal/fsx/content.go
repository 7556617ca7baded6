package fsx

import (
	"fmt"
	"io"
	"os"
)

// Content is the content of a file, for reading only. It may be a view of the
// system's own copy: the bytes stay valid as long as the Content is reachable,
// which whoever still uses them must see to (runtime.KeepAlive).
type Content struct {
	Bytes []byte
}

// mapFrom is the size from which a view is worth its system calls.
const mapFrom = 1 << 20

// ReadContent returns the first size bytes of f, which has at least as many.
// The file must be one that is only ever replaced, never shortened in place:
// a view of what is gone would end the process. Where a file that another host
// has replaced may go away under its reader (NFS), and on file systems that
// are not known, it is read instead.
func ReadContent(f *os.File, size int64) (*Content, error) {
	if size >= mapFrom {
		if c := mapContent(f, size); c != nil {
			return c, nil
		}
	}
	c := &Content{Bytes: make([]byte, size)}
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, size), c.Bytes); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return c, nil
}
