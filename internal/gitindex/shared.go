package gitindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// shared is the file of a split index that holds most of the entries and never
// changes. Only a table of places is kept in memory; entries are read when they
// are asked for. It is safe for concurrent use.
type shared struct {
	path    string
	file    *os.File // closed when nobody holds it any more
	format  gitobj.Format
	version uint32
	count   int
	end     int64
	parts   []part

	mu     sync.Mutex
	loaded map[int]*File
	err    error // the first that a part gave
}

// part is a stretch of partLen entries (the last one of fewer).
type part struct {
	off    int64
	first  []byte // path of its first entry
	prev   []byte // version 4: path of the entry before it
	newest uint32 // as in block
}

const (
	partLen   = 512
	keptParts = 64
	window    = 1 << 20         // bytes read at once
	margin    = maxPath + 1<<10 // no entry is longer
)

// openShared opens the file that the split index in dir refers to, and passes
// over its entries once.
func openShared(dir string, id []byte, format gitobj.Format) (*shared, error) {
	path := filepath.Join(dir, "sharedindex."+string(gitobj.FromBytes(id)))
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("split index: %w", err)
	}
	s := &shared{path: path, file: file, format: format, loaded: map[int]*File{}}
	if err := s.skim(id); err != nil {
		return nil, errors.Join(fmt.Errorf("split index %s: %w", path, err), file.Close())
	}
	return s, nil
}

// skim finds the places where parts begin.
func (s *shared) skim(id []byte) error {
	fi, err := s.file.Stat()
	if err != nil {
		return err
	}
	limit := fi.Size() - int64(s.format.Size())
	if limit < headerLen || limit > maxIndex {
		return corrupt(0, "too short, or too long")
	}
	sum := make([]byte, s.format.Size())
	if _, err := s.file.ReadAt(sum, limit); err != nil {
		return err
	}
	if !bytes.Equal(sum, id) {
		return corrupt(int(limit), "it is not the file it is named after")
	}
	var head [headerLen]byte
	if _, err := s.file.ReadAt(head[:], 0); err != nil {
		return err
	}
	if string(head[:4]) != "DIRC" {
		return corrupt(0, "no index signature")
	}
	s.version = binary.BigEndian.Uint32(head[4:])
	if s.version < 2 || s.version > 4 {
		return unsupported("version %d", s.version)
	}
	n := int64(binary.BigEndian.Uint32(head[8:]))
	if n > limit/int64(offOID+s.format.Size()+2) {
		return corrupt(8, "more entries than bytes")
	}
	s.count = int(n)
	return s.skimEntries(limit)
}

func (s *shared) skimEntries(limit int64) error {
	in := &slider{in: io.NewSectionReader(s.file, headerLen, limit-headerLen), buf: make([]byte, 0, window+margin), off: headerLen}
	if s.version == 4 {
		return s.skimPrefixed(in)
	}
	return s.skimPlain(in)
}

// skimPlain passes over entries of versions 2 and 3, which say how long they
// are. A million of them take hardly longer than reading them.
func (s *shared) skimPlain(in *slider) error {
	fixed, at := offOID+s.format.Size()+2, 0
	for i := range s.count {
		if err := in.fill(&at); err != nil {
			return err
		}
		rest := in.buf[at:]
		if len(rest) < fixed+8 {
			return corrupt(int(in.off)+at, "entry cut off")
		}
		flags, name := binary.BigEndian.Uint16(rest[fixed-2:]), fixed
		if flags&flagExtended != 0 {
			name += 2
		}
		n := int(flags & flagName)
		if n == flagName {
			n = bytes.IndexByte(rest[name:], 0)
		}
		end := (name + n + 8) &^ 7
		if n <= 0 || end > len(rest) || rest[name+n] != 0 {
			return corrupt(int(in.off)+at, "path length does not fit")
		}
		if i%partLen == 0 {
			if err := s.addPart(in.off+int64(at), rest[name:name+n], nil); err != nil {
				return err
			}
		}
		last := &s.parts[len(s.parts)-1]
		if mtime := binary.BigEndian.Uint32(rest[offMTime:]); mtime > last.newest {
			last.newest = max(last.newest, (&Raw{head: rest[:name]}).racySecond())
		}
		at += end
	}
	s.end = in.off + int64(at)
	return nil
}

// skimPrefixed passes over entries of version 4, whose paths lean on each other.
func (s *shared) skimPrefixed(in *slider) error {
	f := &File{format: s.format, version: s.version, blocks: []block{{}}}
	c := f.start(0)
	for i := range s.count {
		if err := in.fill(&c.raw.end); err != nil {
			return err
		}
		f.data = in.buf
		c.keepPrev()
		at := in.off + int64(c.raw.end)
		if err := c.decode(len(in.buf)); err != nil {
			return err
		}
		if i%partLen == 0 {
			if err := s.addPart(at, c.raw.Path, c.prev); err != nil {
				return err
			}
		}
		last := &s.parts[len(s.parts)-1]
		last.newest = max(last.newest, c.raw.racySecond())
	}
	s.end = in.off + int64(c.raw.end)
	return nil
}

func (s *shared) addPart(off int64, first, prev []byte) error {
	if k := len(s.parts); k > 0 && bytes.Compare(s.parts[k-1].first, first) > 0 {
		return corrupt(int(off), "entries out of order")
	}
	s.parts = append(s.parts, part{off: off, first: bytes.Clone(first), prev: bytes.Clone(prev)})
	return nil
}

// slider is a window that moves over a file.
type slider struct {
	in   io.Reader
	buf  []byte
	off  int64 // of the window's start in the file
	done bool
}

// fill makes sure that the window holds the whole entry at offset *at in it,
// which changes when the window moves.
func (w *slider) fill(at *int) error {
	if w.done || len(w.buf)-*at >= margin {
		return nil
	}
	w.off += int64(*at)
	n := copy(w.buf[:cap(w.buf)], w.buf[*at:])
	*at = 0
	more, err := io.ReadFull(w.in, w.buf[n:cap(w.buf)])
	w.buf = w.buf[:n+more]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		w.done, err = true, nil
	}
	return err
}

// load reads a part as an index of its own; nil after an error.
func (s *shared) load(i int) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.loaded[i]; f != nil {
		return f
	}
	f, err := s.read(i)
	if err != nil {
		if s.err == nil {
			s.err = fmt.Errorf("split index %s: %w", s.path, err)
		}
		return nil
	}
	if len(s.loaded) >= keptParts {
		clear(s.loaded)
	}
	s.loaded[i] = f
	return f
}

func (s *shared) read(i int) (*File, error) {
	p, end := s.parts[i], s.end
	if i+1 < len(s.parts) {
		end = s.parts[i+1].off
	}
	f := &File{data: make([]byte, end-p.off), format: s.format, version: s.version, blocks: []block{{prev: p.prev}}}
	if _, err := s.file.ReadAt(f.data, p.off); err != nil {
		return nil, err
	}
	f.count, f.end = min(partLen, s.count-i*partLen), len(f.data)
	c := f.start(0)
	for range f.count {
		stage := c.raw.Stage()
		c.keepPrev()
		if err := c.decode(f.end); err != nil {
			return nil, err
		}
		if err := c.checkEntry(stage); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// from visits the entries at path and behind it, with their numbers, until fn
// returns false or the file cannot be read.
func (s *shared) from(path string, fn func(number int, r *Raw) bool) {
	i := sort.Search(len(s.parts), func(i int) bool { return string(s.parts[i].first) >= path })
	for i = max(i-1, 0); i < len(s.parts); i++ {
		f := s.load(i)
		if f == nil {
			return
		}
		for c := f.start(0); c.next(); {
			if string(c.raw.Path) >= path && !fn(i*partLen+c.n-1, &c.raw) {
				return
			}
		}
	}
}

// failure is what a part could not be read for.
func (s *shared) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
