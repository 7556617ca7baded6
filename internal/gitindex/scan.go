package gitindex

import (
	"bytes"
	"io"
	"os"
)

// extension is one of the blocks behind the entries.
type extension struct {
	sig  string
	data []byte
}

// readAll reads a file of about the given size in one go.
func readAll(h *os.File, size int64) ([]byte, error) {
	if size <= 0 || size > 1<<32 {
		return io.ReadAll(io.LimitReader(h, 1<<32))
	}
	data := make([]byte, size)
	n, err := io.ReadFull(h, data)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil // shorter than stat said: the checks will tell
	}
	return data[:n], err
}

// checkSum compares the trailing checksum. All zeros mean that git left it
// out (index.skipHash).
func (f *File) checkSum() error {
	n := len(f.data) - f.format.Size()
	if n < headerLen {
		return corrupt(0, "too short")
	}
	if len(bytes.Trim(f.data[n:], "\x00")) == 0 {
		return nil
	}
	h := f.format.New()
	h.Write(f.data[:n])
	if !bytes.Equal(h.Sum(nil), f.data[n:]) {
		return corrupt(n, "checksum does not match")
	}
	return nil
}

// scan checks header, entries and extensions and fills the tables.
func (f *File) scan() error {
	limit := len(f.data) - f.format.Size()
	if limit < headerLen {
		return corrupt(0, "too short")
	}
	if string(f.data[:4]) != "DIRC" {
		return corrupt(0, "no index signature")
	}
	f.version = f.u32(4)
	if f.version < 2 || f.version > 4 {
		return unsupported("version %d", f.version)
	}
	// an entry has at least 62 bytes, so that the count cannot make us
	// allocate more than a fraction of what was read
	if n := f.u32(8); int64(n) > int64(limit/(offOID+f.format.Size()+2)) {
		return corrupt(8, "more entries than bytes")
	}
	f.count = int(f.u32(8))
	if err := f.scanEntries(limit); err != nil {
		return err
	}
	return f.scanExtensions(limit)
}

// scanEntries checks each entry and notes where blocks begin.
func (f *File) scanEntries(limit int) error {
	f.blocks = make([]block, 1, f.count/blockLen+1)
	f.blocks[0].off = headerLen
	c := f.start(0)
	for i := range f.count {
		stage := c.raw.Stage()
		c.keepPrev()
		if i > 0 && i%blockLen == 0 {
			f.addBlock(c.raw.end, c.prev)
		}
		if err := c.decode(limit); err != nil {
			return err
		}
		if err := c.checkEntry(stage); err != nil {
			return err
		}
		last := &f.blocks[len(f.blocks)-1]
		last.newest = max(last.newest, c.raw.racySecond())
	}
	f.end = c.raw.end
	return nil
}

func (f *File) addBlock(off int, prev []byte) {
	if f.version == 4 {
		prev = bytes.Clone(prev)
	}
	f.blocks = append(f.blocks, block{off: off, prev: prev})
}

// scanExtensions lists the extensions and stops at those that change the
// meaning of the entries.
func (f *File) scanExtensions(limit int) error {
	for off := f.end; off < limit; {
		if limit-off < 8 {
			return corrupt(off, "extension cut off")
		}
		sig, size := string(f.data[off:off+4]), int64(f.u32(off+4))
		if size > int64(limit-off-8) {
			return corrupt(off, "extension cut off")
		}
		switch {
		case sig == "link":
			return unsupported("split index")
		case sig == "sdir":
			return unsupported("sparse index")
		case sig[0] < 'A' || sig[0] > 'Z':
			return unsupported("mandatory extension %q", sig)
		}
		off += 8
		f.exts = append(f.exts, extension{sig: sig, data: f.data[off : off+int(size)]})
		off += int(size)
	}
	return nil
}
