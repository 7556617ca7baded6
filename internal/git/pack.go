package git

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// pack is one pack file with its index, version 2. Both are mapped into memory:
// what git has written there once never changes.
type pack struct {
	name      string // without its extensions; "" for one that only its parts are known of
	idx, data mapping
	hash      int
	count     int64
}

func openPack(idx string, hash int) (*pack, error) {
	p := &pack{hash: hash}
	err := p.idx.open(idx)
	if err == nil {
		err = p.data.open(strings.TrimSuffix(idx, ".idx") + ".pack")
	}
	if err == nil {
		err = p.readHead()
	}
	if err != nil {
		p.close()
		return nil, errNotNative
	}
	return p, nil
}

// readPack reads a small pack as a whole, for use while others may remove it:
// on a network file system a mapping would fail then. It needs no close.
func readPack(idx string, hash int) (*pack, error) {
	p := &pack{hash: hash}
	var err error
	if p.idx.bytes, err = os.ReadFile(idx); err != nil {
		return nil, err
	}
	if p.data.bytes, err = os.ReadFile(strings.TrimSuffix(idx, ".idx") + ".pack"); err != nil {
		return nil, err
	}
	return p, p.readHead()
}

// readHead checks the version of the index, and counts.
func (p *pack) readHead() error {
	head, err := p.idx.at(0, 8)
	if err == nil && !bytes.Equal(head, []byte{0xff, 't', 'O', 'c', 0, 0, 0, 2}) {
		err = errNotNative
	}
	if err == nil {
		p.count, err = p.number32(8 + 4*255)
	}
	return err
}

func (p *pack) close() {
	p.idx.close()
	p.data.close()
}

func (p *pack) number32(offset int64) (int64, error) {
	b, err := p.idx.at(offset, 4)
	if err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint32(b)), nil
}

// Where the tables of an index begin, after its head and fan-out table.
const packIDs = 8 + 4*256

// find returns where in the pack the object lies.
func (p *pack) find(id []byte) (offset int64, ok bool, err error) {
	lo, hi := int64(0), int64(0)
	if id[0] > 0 {
		if lo, err = p.number32(8 + 4*int64(id[0]-1)); err != nil {
			return 0, false, err
		}
	}
	if hi, err = p.number32(8 + 4*int64(id[0])); err != nil {
		return 0, false, err
	}
	for lo < hi {
		mid := (lo + hi) / 2
		b, err := p.idx.at(packIDs+mid*int64(p.hash), int64(p.hash))
		if err != nil {
			return 0, false, err
		}
		switch c := bytes.Compare(b, id); {
		case c == 0:
			offset, err = p.offset(mid)
			return offset, err == nil, err
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false, nil
}

// offset looks up where object n of the index lies.
func (p *pack) offset(n int64) (int64, error) {
	small := packIDs + p.count*int64(p.hash) + p.count*4
	v, err := p.number32(small + 4*n)
	if err != nil || v&(1<<31) == 0 {
		return v, err
	}
	b, err := p.idx.at(small+4*p.count+8*(v&^(1<<31)), 8)
	if err != nil {
		return 0, err
	}
	far := binary.BigEndian.Uint64(b)
	if far > 1<<62 {
		return 0, errNotNative
	}
	return int64(far), nil
}

// packEntry is a whole object, or a delta against base or baseOffset.
type packEntry struct {
	typ        string // "" for a delta
	data       []byte
	base       gitobj.OID
	baseOffset int64
}

var packTypes = map[byte]string{1: "commit", 2: "tree", 3: "blob", 4: "tag"}

const (
	commitKind  = 1
	treeKind    = 2
	blobKind    = 3
	offsetDelta = 6
	refDelta    = 7
)

// packHeader is what stands before an object's compressed bytes.
type packHeader struct {
	kind    byte
	size    uint64 // of the object, or of a delta's instructions
	sizeLen int    // bytes that kind and size take
	back    int64  // distance to the base, of an offsetDelta
	base    gitobj.OID
	len     int // bytes in all
}

// readPackHead reads the header at the start of head.
func readPackHead(head []byte, hash int) (h packHeader, err error) {
	if len(head) == 0 {
		return h, errNotNative
	}
	head = head[:min(len(head), 64)]
	h.kind, h.size = head[0]>>4&7, uint64(head[0]&15)
	used := 1
	for shift := 4; head[used-1]&0x80 != 0; shift += 7 {
		if used == len(head) || shift > 56 {
			return h, errNotNative
		}
		h.size |= uint64(head[used]&0x7f) << shift
		used++
	}
	h.sizeLen, h.len = used, used
	switch h.kind {
	case 1, 2, 3, 4:
	case offsetDelta:
		back, m := offsetBack(head[used:])
		if m == 0 || back <= 0 {
			return h, errNotNative
		}
		h.back, h.len = back, used+m
	case refDelta:
		if len(head) < used+hash {
			return h, errNotNative
		}
		h.base, h.len = gitobj.FromBytes(head[used:used+hash]), used+hash
	default:
		return h, errNotNative
	}
	return h, nil
}

// entry reads what lies at the offset, if that has at most so many bytes.
func (p *pack) entry(z *inflater, offset int64, hash int, most int64) (e packEntry, err error) {
	h, err := readPackHead(p.data.from(offset), hash)
	if err != nil || h.size > uint64(most) || h.back >= offset {
		return e, errNotNative
	}
	e.typ, e.base = packTypes[h.kind], h.base
	if h.kind == offsetDelta {
		e.baseOffset = offset - h.back
	}
	e.data, err = z.exactly(p.data.from(offset+int64(h.len)), int(h.size))
	return e, err
}

// offsetBack reads the distance to a delta's base and the bytes it took.
func offsetBack(b []byte) (back int64, n int) {
	for i, c := range b {
		if i > 8 {
			return 0, 0
		}
		if i > 0 {
			back++
		}
		back = back<<7 | int64(c&0x7f)
		if c&0x80 == 0 {
			return back, i + 1
		}
	}
	return 0, 0
}
