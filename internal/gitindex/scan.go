package gitindex

import (
	"bytes"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// extension is one of the blocks behind the entries.
type extension struct {
	sig  string
	data []byte
}

const (
	maxIndex  = 1 << 32 // bytes
	readChunk = 1 << 20
)

// load reads the index that is open and checks its structure.
func load(h *os.File, size int64, format gitobj.Format) (*File, error) {
	if size == 0 {
		return empty(format), nil
	}
	if err := checkSize(size, format); err != nil {
		return nil, err
	}
	content, err := fsx.ReadContent(h, size)
	if err != nil {
		return nil, err
	}
	f := &File{data: content.Bytes, content: content, format: format}
	return f, f.scan()
}

func checkSize(size int64, format gitobj.Format) error {
	if size > maxIndex {
		return unsupported("an index of %d bytes", size)
	}
	if size < int64(headerLen+format.Size()) {
		return corrupt(0, "too short")
	}
	return nil
}

// read reads an index of size bytes and checks its structure and its checksum.
// Hashing takes longest, so it goes on while the rest is read and scanned.
func read(r io.Reader, size int64, format gitobj.Format) (*File, error) {
	if size == 0 {
		return empty(format), nil
	}
	if err := checkSize(size, format); err != nil {
		return nil, err
	}
	f := &File{data: make([]byte, size), format: format}
	chunks := make(chan []byte, size/readChunk+1)
	sum := make(chan []byte, 1)
	go func() { sum <- hashChunks(format.New(), chunks) }()
	err := f.fill(r, chunks)
	close(chunks)
	if err != nil {
		return nil, err
	}
	err = f.scan()
	if sumErr := f.checkSum(<-sum); sumErr != nil {
		return nil, sumErr // the cause of whatever scan found
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

// fill reads all of data and hands what the checksum covers to chunks.
func (f *File) fill(r io.Reader, chunks chan<- []byte) error {
	covered := len(f.data) - f.format.Size()
	for off := 0; off < len(f.data); {
		end := min(off+readChunk, len(f.data))
		if _, err := io.ReadFull(r, f.data[off:end]); err != nil {
			return fmt.Errorf("read index: %w", err)
		}
		if off < covered {
			chunks <- f.data[off:min(end, covered)]
		}
		off = end
	}
	return nil
}

func hashChunks(h hash.Hash, chunks <-chan []byte) []byte {
	for c := range chunks {
		h.Write(c)
	}
	return h.Sum(nil)
}

// checkSum compares the trailing checksum.
func (f *File) checkSum(sum []byte) error {
	n := len(f.data) - len(sum)
	if !f.bare() && !bytes.Equal(sum, f.data[n:]) {
		return corrupt(n, "checksum does not match")
	}
	return nil
}

// bare reports an index without a checksum, as the user wants it
// (index.skipHash): zeros stand in its place.
func (f *File) bare() bool {
	size := f.format.Size()
	return len(f.data) > headerLen+size && len(bytes.Trim(f.data[len(f.data)-size:], "\x00")) == 0
}

// scan checks header, entries and extensions and fills the tables.
func (f *File) scan() error {
	limit := len(f.data) - f.format.Size()
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
		case sig == "link" && !f.nameless:
			return &splitError{&UnsupportedError{"split index"}}
		case sig == "link":
			f.link = f.data[off+8 : off+8+int(size)]
			off += 8 + int(size)
			continue
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
