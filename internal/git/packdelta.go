package git

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// repacker puts the objects of several packs into one. What was compressed
// stays as it is, but for trees: of the same folder there is one after each
// commit, nearly all alike, and git packs them as differences. Each newer commit
// leaves one more, so that without this a history would grow with the square of
// its length.
type repacker struct {
	hash    int
	size    int64 // of the new pack so far
	parts   [][]byte
	objects []indexed
	bases   []treeBase
	z       inflater
}

// treeBase is a tree that is whole in the new pack.
type treeBase struct {
	data   []byte
	offset int64
}

const (
	// maxBasesTried bounds how many trees one is compared with, latest first.
	maxBasesTried = 3
	// maxChain bounds how many differences lead to an object; git's own default
	// is 50.
	maxChain = 40
	// minDelta is the size, in bytes, below which a tree is not worth it.
	minDelta = 200
)

// add takes the objects of a pack over, which must be in the order of their
// offsets.
func (w *repacker) add(p *pack, objects []indexed) error {
	heights, err := p.heights(objects, w.hash)
	if err != nil {
		return err
	}
	moved := make(map[int64]int64, len(objects))
	for i, o := range objects {
		end := int64(len(p.data.bytes) - p.hash)
		if i+1 < len(objects) {
			end = objects[i+1].offset
		}
		raw, err := w.object(p, p.data.bytes[o.offset:end], o.offset, heights[o.offset], moved)
		if err != nil {
			return err
		}
		moved[o.offset] = w.size
		w.objects = append(w.objects, indexed{id: o.id, crc: crc32.ChecksumIEEE(raw), offset: w.size})
		w.parts = append(w.parts, raw)
		w.size += int64(len(raw))
	}
	return nil
}

// object returns what stands in the new pack for an object that lies at an
// offset of an old one.
func (w *repacker) object(p *pack, raw []byte, offset int64, height int, moved map[int64]int64) ([]byte, error) {
	h, err := readPackHead(raw, w.hash)
	if err != nil {
		return nil, err
	}
	switch h.kind {
	case offsetDelta:
		base, ok := moved[offset-h.back]
		if !ok {
			return nil, errNotNative
		}
		out := appendBack(slices.Clone(raw[:h.sizeLen]), w.size-base)
		return append(out, raw[h.len:]...), nil
	case treeKind:
		e, err := p.entry(&w.z, offset, w.hash)
		if err != nil {
			return nil, err
		}
		if short := w.shorten(e.data, len(raw), height); short != nil {
			return short, nil
		}
		w.bases = append(w.bases, treeBase{e.data, w.size})
	}
	return raw, nil
}

// heights counts, for each object, how many differences at most lead from
// others to it.
func (p *pack) heights(objects []indexed, hash int) (map[int64]int, error) {
	heights := map[int64]int{}
	for _, o := range slices.Backward(objects) {
		h, err := readPackHead(p.data.from(o.offset), hash)
		if err != nil {
			return nil, err
		}
		if h.kind == offsetDelta {
			base := o.offset - h.back
			heights[base] = max(heights[base], heights[o.offset]+1)
		}
	}
	return heights, nil
}

// shorten writes a tree as the difference from one that is there already; nil if
// that does not halve it, or leads through too many others.
func (w *repacker) shorten(tree []byte, packed, height int) []byte {
	if packed < minDelta || height+1 > maxChain {
		return nil
	}
	var delta []byte
	var base treeBase
	tried := 0
	for _, b := range slices.Backward(w.bases) {
		if len(b.data) > 2*len(tree) || len(tree) > 2*len(b.data) || !sameBeginning(b.data, tree) {
			continue
		}
		if tried++; tried > maxBasesTried {
			break
		}
		if d := treeDelta(b.data, tree, w.hash, packed); d != nil && (delta == nil || len(d) < len(delta)) {
			delta, base = d, b
		}
	}
	if delta == nil {
		return nil
	}
	if again, err := applyDelta(base.data, delta); err != nil || !bytes.Equal(again, tree) {
		return nil
	}
	out := appendBack(appendSize(nil, offsetDelta, len(delta)), w.size-base.offset)
	var z bytes.Buffer
	c := zlib.NewWriter(&z)
	c.Write(delta)
	c.Close()
	if out = append(out, z.Bytes()...); len(out) > packed/2 {
		return nil
	}
	return out
}

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
	if string(mode) == "40000" {
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
