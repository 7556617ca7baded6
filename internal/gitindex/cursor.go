package gitindex

import (
	"bytes"
	"encoding/binary"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// cursor steps through the entries of a file. raw is the current entry and
// prev the path of the one before; both are overwritten by the next step.
type cursor struct {
	f    *File
	raw  Raw
	prev []byte
	n    int // entries passed, the current one included
}

// next steps to the following entry of a checked file; at the end it returns
// false and prev is the last path.
func (c *cursor) next() bool {
	c.keepPrev()
	if c.n >= c.f.count {
		c.raw.off = c.f.end
		return false
	}
	return c.decode(c.f.end) == nil
}

func (c *cursor) keepPrev() {
	if c.f.version == 4 {
		c.prev = append(c.prev[:0], c.raw.Path...) // Path is rebuilt in place
		return
	}
	c.prev = c.raw.Path
}

// decode reads the entry behind the current one; limit is the first offset
// that cannot belong to it.
func (c *cursor) decode(limit int) error {
	r, data := &c.raw, c.f.data
	r.off = r.end
	name := r.off + offOID + r.hash + 2
	if name > limit {
		return corrupt(r.off, "entry cut off")
	}
	r.flags, r.extra = binary.BigEndian.Uint16(data[name-2:]), 0
	if r.flags&flagExtended != 0 {
		if name += 2; name > limit {
			return corrupt(r.off, "entry cut off")
		}
		r.extra = binary.BigEndian.Uint16(data[name-2:])
	}
	r.head = data[r.off:name]
	c.n++
	if c.f.version == 4 {
		return c.decodeSuffix(name, limit)
	}
	return c.decodePath(name, limit)
}

// decodePath reads the padded path of versions 2 and 3.
func (c *cursor) decodePath(name, limit int) error {
	r := &c.raw
	n := int(r.flags & flagName)
	end := bytes.IndexByte(c.f.data[name:min(limit, name+maxPath)], 0)
	if err := c.checkLen(name, n, end); err != nil {
		return err
	}
	r.Path = c.f.data[name : name+end]
	r.end = r.off + (name-r.off+end+8)&^7
	if r.end > limit {
		return corrupt(r.off, "entry cut off")
	}
	return nil
}

// decodeSuffix reads the prefix-compressed path of version 4.
func (c *cursor) decodeSuffix(name, limit int) error {
	r := &c.raw
	strip, used := readVarint(c.f.data[name:limit], len(r.Path))
	if used == 0 {
		return corrupt(name, "path prefix does not fit")
	}
	name += used
	end := bytes.IndexByte(c.f.data[name:min(limit, name+maxPath)], 0)
	keep := len(r.Path) - strip
	n := -1
	if end >= 0 {
		n = keep + end
	}
	if err := c.checkLen(name, int(r.flags&flagName), n); err != nil {
		return err
	}
	r.Path = append(r.Path[:keep], c.f.data[name:name+end]...)
	r.end = name + end + 1
	return nil
}

// checkLen compares the length in the flags with the one found; -1 is none.
func (c *cursor) checkLen(off, flag, found int) error {
	switch {
	case found < 0:
		return corrupt(off, "path without end, or too long")
	case found == 0 && !c.f.nameless:
		return &splitError{&UnsupportedError{"split index (an entry without a path)"}}
	case min(found, flagName) != flag:
		return corrupt(off, "path length does not fit")
	case found > maxPath:
		return unsupported("a path longer than %d bytes", maxPath)
	}
	return nil
}

// readVarint reads git's offset encoding of a number of at most limit and
// returns it with the bytes it took; 0 bytes means that there is none.
func readVarint(b []byte, limit int) (value, used int) {
	for i, c := range b {
		if i > 0 {
			value++
		}
		value = value<<7 | int(c&0x7f)
		if value > limit {
			return 0, 0
		}
		if c&0x80 == 0 {
			return value, i + 1
		}
	}
	return 0, 0
}

// appendVarint is the inverse of readVarint.
func appendVarint(b []byte, value int) []byte {
	var tmp [10]byte
	i := len(tmp) - 1
	tmp[i] = byte(value & 0x7f)
	for value >>= 7; value > 0; value >>= 7 {
		value--
		i--
		tmp[i] = 0x80 | byte(value&0x7f)
	}
	return append(b, tmp[i:]...)
}

// checkEntry refuses what git refuses when it reads an entry, given the one
// before it.
func (c *cursor) checkEntry(prevStage int) error {
	r := &c.raw
	if r.flags&flagExtended != 0 {
		if c.f.version == 2 {
			return unsupported("extended flags in version 2")
		}
		if r.extra&^(extraSkipWorktree|extraIntentToAdd) != 0 {
			return unsupported("unknown flags %#04x of an entry", r.extra)
		}
	}
	switch r.Mode() {
	case gitobj.ModeFile, gitobj.ModeExec, gitobj.ModeSymlink, gitobj.ModeGitlink:
	case gitobj.ModeTree:
		return unsupported("sparse index (a directory entry)")
	default:
		return unsupported("entry mode %v", r.Mode())
	}
	switch cmp := bytes.Compare(c.prev, r.Path); {
	case cmp > 0:
		return corrupt(r.off, "entries out of order")
	case cmp == 0 && (prevStage == 0 || prevStage >= r.Stage()):
		return corrupt(r.off, "stages out of order")
	}
	return nil
}
