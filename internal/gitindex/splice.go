package gitindex

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"sort"
)

// Options of Splice.
type Options struct {
	// Racy replaces the old index's MTime in the decision which old entries
	// get size 0; zero means MTime.
	//
	// Git trusts an entry whose mtime is older than the index file, and
	// compares the content of the others, because a file edited twice
	// within one second (with the same size) looks the same. A new index has
	// a newer time, so that this protection would end for entries that were
	// not older than the old one: a same-second edit would stay hidden for
	// ever. Size 0 keeps it: git compares such an entry's content once.
	// Entries of edits are not among them: either the new index is written
	// in the second of the file's mtime, then git compares by itself, or the
	// caller has looked at the file again after that second was over.
	Racy Time
	// Unchanged, if set, is asked about each such entry, in index order. True
	// says that the file has not been touched since its stat data was
	// recorded; then the entry stays as it is. (Git looks into the file
	// itself. An entry of size 0 costs the next `git status` a comparison,
	// and `git stash` takes it for a change.)
	Unchanged func(path []byte, recorded Stat) bool
}

// Splice writes the index that results from applying edits, as one set in any
// order, to f. Both sides of a file/directory conflict with an old merged
// entry are settled in favour of the edit; edits that conflict with each
// other, or that are not valid, give ErrBadEdit before anything is written.
// Format version and unchanged entries stay. The cache tree stays with the
// changed paths marked invalid, resolve-undo data stays, caches that git
// rebuilds by itself are left out; other extensions give ErrUnsupported.
//
// The caller owns durability: lock file, fsync and rename. The new file's
// mtime must be the time of this writing, never set by hand.
func (f *File) Splice(w io.Writer, edits []Edit, opt Options) error {
	defer runtime.KeepAlive(f)
	exts, err := f.keptExtensions()
	if err != nil {
		return fmt.Errorf("splice index: %w", err)
	}
	sorted, err := prepare(edits, f.format)
	if err != nil {
		return fmt.Errorf("splice index: %w", err)
	}
	if opt.Racy.IsZero() {
		opt.Racy = f.mtime
	}
	out := newOutput(w, f.format)
	out.bare = f.bare()
	s := splicer{file: f, out: out, version: f.version, racy: opt.Racy.Sec, unchanged: opt.Unchanged, pos: headerLen}
	stale, err := s.write(sorted)
	if err != nil {
		return fmt.Errorf("splice index: %w", err)
	}
	for _, e := range exts {
		writeExtension(out, e, stale, f.format.Size())
	}
	if err := out.finish(); err != nil {
		return fmt.Errorf("splice index: %w", err)
	}
	return nil
}

// write writes header and entries, and returns the paths whose trees change.
func (s *splicer) write(edits []Edit) (stale []string, err error) {
	if s.file.split != nil {
		p, err := s.file.splicedSplit(edits, s.racy, s.unchanged)
		if err != nil {
			return nil, err
		}
		p.write(s)
		return p.stale, nil
	}
	p, err := newPlan(s.file, edits)
	if err != nil {
		return nil, err
	}
	s.writeHeader(p.count)
	s.writeEntries(p)
	return p.stale, nil
}

// splicer writes the entries of the new index.
type splicer struct {
	file *File
	out  *output

	version uint32
	racy    uint32 // second from which on old entries are smudged; 0 for never
	// unchanged spares an entry from that; nil: none
	unchanged func(path []byte, recorded Stat) bool

	pos  int    // old entries up to here are dealt with
	last []byte // version 4: path of the entry written last
	buf  []byte
}

func (s *splicer) writeHeader(count int) {
	s.buf = append(s.buf[:0], "DIRC"...)
	s.buf = binary.BigEndian.AppendUint32(s.buf, s.version)
	s.buf = binary.BigEndian.AppendUint32(s.buf, uint32(count))
	s.out.write(s.buf)
}

// writeEntries merges inserts and cuts; an insert may lie inside a cut.
func (s *splicer) writeEntries(p *plan) {
	inserts, cuts := p.inserts, p.cuts
	for len(inserts) > 0 || len(cuts) > 0 {
		if len(cuts) == 0 || len(inserts) > 0 && inserts[0].at <= cuts[0].from {
			s.copyTo(inserts[0].at)
			s.insert(inserts[0].edit)
			inserts = inserts[1:]
			continue
		}
		s.copyTo(cuts[0].from)
		s.pos = max(s.pos, cuts[0].to)
		cuts = cuts[1:]
	}
	s.copyTo(s.file.end)
}

// insert writes an edit's entry.
func (s *splicer) insert(e *Edit) {
	s.buf = appendStat(s.buf[:0], e.Stat, uint32(e.Mode))
	s.buf = append(s.buf, e.OID.Bytes()...)
	s.buf = binary.BigEndian.AppendUint16(s.buf, uint16(min(len(e.Path), flagName)))
	s.endEntry([]byte(e.Path))
}

// endEntry adds the path to the fixed part in buf and writes both.
func (s *splicer) endEntry(path []byte) {
	if s.version == 4 {
		common := commonPrefix(s.last, path)
		s.buf = appendVarint(s.buf, len(s.last)-common)
		s.buf = append(s.buf, path[common:]...)
		s.buf = append(s.buf, 0)
		s.last = append(s.last[:0], path...)
	} else {
		s.buf = append(s.buf, path...)
		s.buf = append(s.buf, make([]byte, 8-len(s.buf)%8)...)
	}
	s.out.write(s.buf)
}

// copyTo copies the old entries up to offset limit, an entry's start.
func (s *splicer) copyTo(limit int) {
	if limit <= s.pos {
		return
	}
	if s.file.version == 4 {
		s.copySeam()
	}
	if limit > s.pos {
		s.copyRange(s.pos, limit)
		s.pos = limit
		if s.file.version == 4 {
			c := s.file.at(limit)
			s.last = append(s.last[:0], c.prev...)
		}
	}
}

// copySeam writes the entry at pos with its path compressed against the
// entry that now stands before it. (Versions 2 and 3 need no seam.)
func (s *splicer) copySeam() {
	c := s.file.at(s.pos)
	s.buf = append(s.buf[:0], c.raw.head...)
	if s.smudges(&c.raw) {
		clear(s.buf[offSize : offSize+4])
	}
	s.endEntry(c.raw.Path)
	s.pos = c.raw.end
}

// smudges reports whether an old entry must lose its size.
func (s *splicer) smudges(r *Raw) bool {
	return s.racy != 0 && r.racySecond() >= s.racy && (s.unchanged == nil || !s.unchanged(r.Path, r.Stat()))
}

// copyRange copies old entries, and smudges the racy ones.
func (s *splicer) copyRange(from, to int) {
	blocks := s.file.blocks
	i := sort.Search(len(blocks), func(i int) bool { return blocks[i].off > from }) - 1
	for ; s.racy != 0 && i < len(blocks) && blocks[i].off < to; i++ {
		if blocks[i].newest >= s.racy {
			from = s.copyBlock(i, from, to)
		}
	}
	s.out.write(s.file.data[from:to])
}

// copyBlock copies from offset from up to the last racy entry of block i that
// lies before to, and returns how far it came.
func (s *splicer) copyBlock(i, from, to int) int {
	c := s.file.start(i)
	for n := 0; n < blockLen && c.next() && c.raw.end <= to; n++ {
		if size := c.raw.off + offSize; c.raw.off >= from && s.smudges(&c.raw) {
			s.out.write(s.file.data[from:size])
			s.out.write(make([]byte, 4))
			from = size + 4
		}
	}
	return from
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
