// Package gitindex reads git's index file and writes a changed copy of it at
// the cost of one sequential pass: byte ranges that did not change are copied,
// never decoded into structures. Format source: gitformat-index(5), versions
// 2, 3 and 4, SHA-1 and SHA-256.
//
// It knows the bytes of the index and nothing else: not the work tree, the
// object store, lock files or configuration. What it does not understand
// (sparse index, unknown extensions) it reports as
// ErrUnsupported, so that the caller can let git do the work.
package gitindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"sort"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
)

const (
	headerLen = 12
	blockLen  = 32      // entries between two places a search can start from
	maxPath   = 1 << 16 // bytes; git has no limit, file systems stop far below
)

// File is an index held in memory, checked from end to end when it was read.
// It is immutable and safe for concurrent use. What it hands out are copies, or
// views for the time of a call: data may go away with the File, so that every
// method which looks at it keeps the File alive until it returns.
type File struct {
	data    []byte // of content, if that is set
	content *fsx.Content
	format  gitobj.Format
	version uint32
	count   int
	end     int // offset behind the last entry
	mtime   Time
	stat    Stat // of the file that was read; zero after Parse
	blocks  []block
	exts    []extension

	split    *split // nil: everything is in data
	link     []byte // the extension of a split index
	nameless bool   // entries may have no path
}

// block is a place where decoding can start: its first entry's offset, the
// path of the entry before it ("" for the first block), and the newest mtime
// second among those of its entries that can be racy.
type block struct {
	off    int
	prev   []byte
	newest uint32
}

// Open reads the index at path; a missing one is empty. Structure and lengths
// are checked, the checksum is not: like git, which leaves that to fsck, because
// it would take longer than everything else. Errors are *CorruptError,
// *UnsupportedError, or of the file system.
func Open(path string, format gitobj.Format) (*File, error) {
	return Reopen(path, format, nil)
}

// Reopen is Open that returns prev, which was read from the same path, if the
// file is still the same one. prev may be nil.
func Reopen(path string, format gitobj.Format, prev *File) (*File, error) {
	h, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return empty(format), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	defer h.Close()
	fi, err := h.Stat()
	if err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	if prev != nil && prev.stat != (Stat{}) && prev.stat == StatOf(fi) {
		return prev, nil
	}
	f, err := load(h, fi.Size(), format)
	if f != nil && errors.As(err, new(*splitError)) {
		err = f.scanSplit(filepath.Dir(path))
	}
	if err != nil {
		return nil, fmt.Errorf("read index %s: %w", path, err)
	}
	f.stat = StatOf(fi)
	f.mtime = f.stat.MTime
	return f, nil
}

// Parse checks and copies the bytes of an index. No data at all is an empty index, as for git. MTime is zero.
func Parse(data []byte, format gitobj.Format) (*File, error) {
	return read(bytes.NewReader(data), int64(len(data)), format)
}

func empty(format gitobj.Format) *File {
	return &File{
		format: format, version: 2, end: headerLen, data: make([]byte, headerLen),
		blocks: []block{{off: headerLen}},
	}
}

// Version returns the index format version: 2, 3 or 4.
func (f *File) Version() int { return int(f.version) }

// Len returns the number of entries, all stages counted.
func (f *File) Len() int { return f.count }

// MTime returns the index file's modification time as it was when read; zero
// for a missing file and for Parse.
func (f *File) MTime() Time { return f.mtime }

// Format returns the object format the index was read with.
func (f *File) Format() gitobj.Format { return f.format }

// Walk calls fn for each entry in index order (path bytes, then stage) until
// it returns false. The Raw and its Path are only valid during the call. It
// allocates nothing per entry.
func (f *File) Walk(fn func(r *Raw) bool) {
	defer runtime.KeepAlive(f)
	if f.split != nil {
		f.split.walk("", f.format.Size(), fn)
		return
	}
	c := f.start(0)
	for c.next() && fn(&c.raw) {
	}
}

// Entries yields each entry in index order. The error is nil, since the whole
// index was checked when it was read; only a split index may end with Err.
func (f *File) Entries() iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		going := true
		f.Walk(func(r *Raw) bool { going = yield(r.Entry(), nil); return going })
		if err := f.Err(); going && err != nil {
			yield(Entry{}, err)
		}
	}
}

// Under yields, in index order, the entries below the directory dir (no
// trailing slash; "" is the whole index). It does not visit the others.
func (f *File) Under(dir string) iter.Seq2[Entry, error] {
	if dir == "" {
		return f.Entries()
	}
	return func(yield func(Entry, error) bool) {
		defer runtime.KeepAlive(f)
		prefix := dir + "/"
		if f.split != nil {
			going := true
			f.split.walk(prefix, f.format.Size(), func(r *Raw) bool {
				going = hasPrefix(r.Path, prefix) && yield(r.Entry(), nil)
				return going
			})
			if err := f.Err(); going && err != nil {
				yield(Entry{}, err)
			}
			return
		}
		for c, ok := f.seek(prefix); ok && hasPrefix(c.raw.Path, prefix); ok = c.next() {
			if !yield(c.raw.Entry(), nil) {
				return
			}
		}
	}
}

// Lookup finds the entry at exactly this path; of an unmerged path, the one
// with the lowest stage. Its cost does not depend on the size of the index.
func (f *File) Lookup(path string) (e Entry, ok bool) {
	defer runtime.KeepAlive(f)
	if f.split != nil {
		f.split.walk(path, f.format.Size(), func(r *Raw) bool {
			if ok = string(r.Path) == path; ok {
				e = r.Entry()
			}
			return false
		})
		return e, ok
	}
	c, ok := f.seek(path)
	if !ok || string(c.raw.Path) != path {
		return Entry{}, false
	}
	return c.raw.Entry(), true
}

// seek returns a cursor on the first entry whose path is not below path.
func (f *File) seek(path string) (cursor, bool) {
	i := sort.Search(len(f.blocks), func(i int) bool { return i > 0 && string(f.blocks[i].prev) >= path })
	c := f.start(i - 1)
	for c.next() {
		if string(c.raw.Path) >= path {
			return c, true
		}
	}
	return c, false
}

// at returns a cursor on the entry at offset off, which must be one's start
// or the end of the entries; there the cursor has only its prev.
func (f *File) at(off int) cursor {
	i := sort.Search(len(f.blocks), func(i int) bool { return f.blocks[i].off > off })
	c := f.start(max(i-1, 0))
	for c.next() && c.raw.off < off {
	}
	return c
}

// start returns a cursor before the first entry of block i.
func (f *File) start(i int) cursor {
	c := cursor{f: f, n: i * blockLen}
	c.raw.end = f.blocks[i].off
	c.raw.hash = f.format.Size()
	c.raw.Path = f.blocks[i].prev
	if f.version == 4 {
		c.raw.Path = append([]byte(nil), c.raw.Path...)
	}
	return c
}

func (f *File) u32(off int) uint32 { return binary.BigEndian.Uint32(f.data[off:]) }
