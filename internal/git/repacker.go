package git

import (
	"bytes"
	"hash/crc32"
	"slices"

	"github.com/klauspost/compress/zlib"
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
	held    int // bytes of bases
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
		e, err := p.entry(&w.z, offset, w.hash, maxNativeObject)
		if err != nil {
			return nil, err
		}
		if short := w.shorten(e.data, len(raw), height); short != nil {
			return short, nil
		}
		w.keep(treeBase{e.data, w.size})
	}
	return raw, nil
}

// keep remembers a tree, and forgets the oldest ones.
func (w *repacker) keep(b treeBase) {
	w.bases, w.held = append(w.bases, b), w.held+len(b.data)
	for w.held > maxBases && len(w.bases) > 1 {
		w.held -= len(w.bases[0].data)
		w.bases = w.bases[1:]
	}
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
