package git

import (
	"bytes"
	"cmp"
	"encoding/binary"
)

// sameBeginning reports that the first entries of two trees have the same name:
// then they are mostly those of one folder.
func sameBeginning(a, b []byte) bool {
	nul := bytes.IndexByte(a, 0)
	return nul >= 0 && len(b) > nul && bytes.Equal(a[:nul+1], b[:nul+1])
}

// treeDelta is the difference between two tree objects as instructions for
// applyDelta (gitformat-pack(5)): entries that both have are copied. It is nil
// where it would be longer than limit, in bytes.
func treeDelta(base, tree []byte, hash, limit int) []byte {
	d := deltaWriter{out: binary.AppendUvarint(binary.AppendUvarint(nil, uint64(len(base))), uint64(len(tree)))}
	b, t := 0, 0
	for t < len(tree) {
		te := entryLen(tree[t:], hash)
		if te == 0 || len(d.out)+len(d.insert) > limit {
			return nil
		}
		entry := tree[t : t+te]
		t += te
		for b < len(base) && !bytes.HasPrefix(base[b:], entry) { // entries of the base that come before are gone
			be := entryLen(base[b:], hash)
			if be == 0 {
				return nil
			}
			if entryOrder(base[b:b+be], entry) >= 0 {
				break
			}
			b += be
		}
		if bytes.HasPrefix(base[b:], entry) {
			d.copy(b, te)
			b += te
		} else {
			d.insert = append(d.insert, entry...)
		}
	}
	return d.end()
}

// entryLen is the length of the tree entry at the start of b: mode SP name NUL
// id; 0 if it is none.
func entryLen(b []byte, hash int) int {
	nul := bytes.IndexByte(b, 0)
	if nul < 0 || nul+1+hash > len(b) {
		return 0
	}
	return nul + 1 + hash
}

// entryOrder compares the names of two tree entries, folders as if a slash
// followed.
func entryOrder(a, b []byte) int {
	x, xEnd := entryName(a)
	y, yEnd := entryName(b)
	n := min(len(x), len(y))
	if c := bytes.Compare(x[:n], y[:n]); c != 0 {
		return c
	}
	next := func(name []byte, end byte) byte {
		if len(name) > n {
			return name[n]
		}
		return end
	}
	return cmp.Or(cmp.Compare(next(x, xEnd), next(y, yEnd)), cmp.Compare(len(x), len(y)))
}

// entryName returns an entry's name and what is to be thought behind it.
func entryName(e []byte) (name []byte, end byte) {
	mode, rest, _ := bytes.Cut(e, []byte{' '})
	name, _, _ = bytes.Cut(rest, []byte{0})
	if string(bytes.TrimLeft(mode, "0")) == "40000" { // old programs wrote a zero before it
		end = '/'
	}
	return name, end
}

// deltaWriter gathers instructions: neighbouring ones of a kind become one.
type deltaWriter struct {
	out      []byte
	insert   []byte
	from, to int // of the base, to be copied
}

func (d *deltaWriter) copy(at, n int) {
	if d.to == at && len(d.insert) == 0 && d.to > d.from {
		d.to += n
		return
	}
	d.flush()
	d.from, d.to = at, at+n
}

// flush writes what is to be copied and then what is inserted behind it.
func (d *deltaWriter) flush() {
	for d.from < d.to {
		n := min(d.to-d.from, 0xffff)
		d.out = appendCopy(d.out, d.from, n)
		d.from += n
	}
	for len(d.insert) > 0 {
		n := min(len(d.insert), 127)
		d.out = append(append(d.out, byte(n)), d.insert[:n]...)
		d.insert = d.insert[n:]
	}
	d.insert = nil
}

func (d *deltaWriter) end() []byte {
	d.flush()
	return d.out
}

// endOf is end for a writer that did not know the sizes before.
func (d *deltaWriter) endOf(base, size int) []byte {
	d.flush()
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(base)), uint64(size)), d.out...)
}

// appendCopy writes the instruction that copies n bytes, at most 65,535.
func appendCopy(out []byte, at, n int) []byte {
	op := len(out)
	out = append(out, 0x80)
	for i := range 4 {
		if c := byte(at >> (8 * i)); c != 0 {
			out[op] |= 1 << i
			out = append(out, c)
		}
	}
	for i := range 2 {
		if c := byte(n >> (8 * i)); c != 0 {
			out[op] |= 1 << (4 + i)
			out = append(out, c)
		}
	}
	return out
}

// appendSize writes the head of an object in a pack: its kind, and its size once
// unpacked.
func appendSize(out []byte, kind byte, size int) []byte {
	c := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		out = append(out, c|0x80)
		c = byte(size & 0x7f)
	}
	return append(out, c)
}

// appendBack writes the distance to a delta's base; offsetBack reads it.
func appendBack(out []byte, back int64) []byte {
	var digits [10]byte
	i := len(digits) - 1
	digits[i] = byte(back & 0x7f)
	for back >>= 7; back > 0; back >>= 7 {
		back--
		i--
		digits[i] = 0x80 | byte(back&0x7f)
	}
	return append(out, digits[i:]...)
}
