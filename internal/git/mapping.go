package git

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapping is a file that does not change any more, in memory.
type mapping struct{ bytes []byte }

// maxMapping bounds what is mapped.
const maxMapping = 1 << 46

func (m *mapping) open(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return errNotNative
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() || fi.Size() == 0 || fi.Size() > maxMapping {
		return errNotNative
	}
	if m.bytes, err = unix.Mmap(int(f.Fd()), 0, int(fi.Size()), unix.PROT_READ, unix.MAP_PRIVATE); err != nil {
		return errNotNative
	}
	return nil
}

func (m *mapping) close() {
	if m.bytes != nil {
		_ = unix.Munmap(m.bytes)
		m.bytes = nil
	}
}

// at returns n bytes of the file, which must not be kept or changed.
func (m *mapping) at(offset, n int64) ([]byte, error) {
	if offset < 0 || n < 0 || offset > int64(len(m.bytes))-n {
		return nil, errNotNative
	}
	return m.bytes[offset : offset+n], nil
}

// from returns what is there from an offset on.
func (m *mapping) from(offset int64) []byte {
	if offset < 0 || offset > int64(len(m.bytes)) {
		return nil
	}
	return m.bytes[offset:]
}
