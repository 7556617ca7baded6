package git

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/klauspost/compress/zlib"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// errNotNative says that only git can read the object: it is not where this
// package looks (an alternate, say), or has a form that it does not know.
var errNotNative = errors.New("not readable without git")

// Limits of what is read from a repository without git.
const (
	maxNativeObject = 64 << 20
	maxSingle       = 1 << 20 // git is faster from here on
	maxDeltaDepth   = 64
)

// objects reads single objects without a process: loose ones, and those in
// packs (gitformat-pack(5), index version 2). It is meant for a few commits
// and trees of each of many repositories.
type objects struct {
	dir     string // the objects folder
	packDir string // that of packs
	format  gitobj.Format
	most    int64 // bytes of an object; larger ones are left to git
	set     *packSet
	z       inflater
	bases   map[packPlace]packBase // of deltas
	held    int                    // bytes of bases
}

// packPlace is where an object lies.
type packPlace struct {
	pack   *pack
	offset int64
}

// packBase is an object that others are deltas against.
type packBase struct {
	typ  string
	data []byte
}

// maxBases bounds the bases that are kept, in bytes: as git's own default does.
const maxBases = 96 << 20

func (r *Repo) objects() *objects {
	return &objects{dir: filepath.Join(r.CommonDir, "objects"), packDir: r.packDir(), format: r.Format, most: maxNativeObject, set: &r.packs}
}

// singleObjects reads objects one by one. It is safe for concurrent use.
type singleObjects struct {
	mu   sync.Mutex
	objs *objects // nil until the first
}

func (s *singleObjects) read(r *Repo, id gitobj.OID) (typ string, data []byte, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objs == nil {
		s.objs = r.objects()
		s.objs.most = maxSingle
	}
	return s.objs.read(id)
}

func (o *objects) packs() []*pack { return o.set.list(o.packDir, o.format.Size()) }

// read returns an object's type and content, or an error for which git should
// be asked.
func (o *objects) read(id gitobj.OID) (typ string, data []byte, err error) {
	o.set.inUse.RLock()
	defer o.set.inUse.RUnlock()
	return o.readAt(id, 0)
}

func (o *objects) readAt(id gitobj.OID, depth int) (typ string, data []byte, err error) {
	if len(id) != 2*o.format.Size() || depth > maxDeltaDepth {
		return "", nil, errNotNative
	}
	for _, where := range o.places() {
		if typ, data, err = where(id, depth); err == nil || !errors.Is(err, os.ErrNotExist) {
			return typ, data, err
		}
	}
	return "", nil, errNotNative
}

type place func(id gitobj.OID, depth int) (typ string, data []byte, err error)

// places are where an object may be, the cheapest first: packs that are open cost
// no question to the file system.
func (o *objects) places() []place {
	loose := func(id gitobj.OID, _ int) (string, []byte, error) { return o.loose(id) }
	if o.set.isListed() {
		known := o.packs()
		inNewer := func(id gitobj.OID, depth int) (string, []byte, error) {
			return o.in(o.set.newer(o.packDir, o.format.Size(), known), id, depth)
		}
		return []place{o.inPacks, loose, inNewer}
	}
	return []place{loose, o.inPacks}
}

func (o *objects) inPacks(id gitobj.OID, depth int) (typ string, data []byte, err error) {
	return o.in(o.packs(), id, depth)
}

// in returns os.ErrNotExist for an object that none of the packs has.
func (o *objects) in(packs []*pack, id gitobj.OID, depth int) (typ string, data []byte, err error) {
	raw := id.Bytes()
	for _, p := range packs {
		offset, ok, err := p.find(raw)
		if err != nil {
			return "", nil, err
		}
		if ok {
			return o.packed(p, offset, depth)
		}
	}
	return "", nil, os.ErrNotExist
}

func (o *objects) loose(id gitobj.OID) (typ string, data []byte, err error) {
	f, err := os.Open(filepath.Join(o.dir, string(id[:2]), string(id[2:])))
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	text, err := inflate(f, o.most)
	if err != nil {
		return "", nil, err
	}
	head, data, ok := bytes.Cut(text, []byte{0})
	typ, size, ok2 := strings.Cut(string(head), " ")
	if !ok || !ok2 || size != fmt.Sprint(len(data)) {
		return "", nil, errNotNative
	}
	return typ, data, nil
}

func inflate(r io.Reader, limit int64) ([]byte, error) {
	z, err := zlib.NewReader(r)
	if err != nil {
		return nil, errNotNative
	}
	defer z.Close()
	data, err := io.ReadAll(io.LimitReader(z, limit+1))
	if err != nil || int64(len(data)) > limit {
		return nil, errNotNative
	}
	return data, nil
}

// packed reads the object at an offset of a pack and applies its deltas.
func (o *objects) packed(p *pack, offset int64, depth int) (string, []byte, error) {
	if depth > maxDeltaDepth {
		return "", nil, errNotNative
	}
	e, err := p.entry(&o.z, offset, o.format.Size(), o.most)
	if err != nil {
		return "", nil, err
	}
	if e.typ != "" {
		return e.typ, e.data, nil
	}
	var b packBase
	if e.base != "" {
		b.typ, b.data, err = o.readAt(e.base, depth+1)
	} else {
		b, err = o.baseAt(packPlace{p, e.baseOffset}, depth+1)
	}
	if err != nil {
		return "", nil, err
	}
	data, err := applyDelta(b.data, e.data)
	return b.typ, data, err
}

// baseAt reads an object that another one is a delta against, and keeps it for
// the next one.
func (o *objects) baseAt(at packPlace, depth int) (b packBase, err error) {
	if b, ok := o.bases[at]; ok {
		return b, nil
	}
	if b.typ, b.data, err = o.packed(at.pack, at.offset, depth); err != nil {
		return b, err
	}
	if o.bases == nil || o.held+len(b.data) > maxBases {
		o.bases, o.held = map[packPlace]packBase{}, 0
	}
	o.bases[at] = b
	o.held += len(b.data)
	return b, nil
}

// applyDelta follows git's delta instructions (gitformat-pack(5)).
func applyDelta(base, delta []byte) ([]byte, error) {
	from, n := binary.Uvarint(delta)
	if n <= 0 || from != uint64(len(base)) {
		return nil, errNotNative
	}
	delta = delta[n:]
	size, n := binary.Uvarint(delta)
	if n <= 0 || size > maxNativeObject {
		return nil, errNotNative
	}
	delta = delta[n:]
	out := make([]byte, 0, size)
	for len(delta) > 0 {
		op := delta[0]
		delta = delta[1:]
		if op&0x80 == 0 {
			if op == 0 || int(op) > len(delta) {
				return nil, errNotNative
			}
			out, delta = append(out, delta[:op]...), delta[op:]
			continue
		}
		var at, length int
		for i := range 7 {
			if op&(1<<i) == 0 {
				continue
			}
			if len(delta) == 0 {
				return nil, errNotNative
			}
			if i < 4 {
				at |= int(delta[0]) << (8 * i)
			} else {
				length |= int(delta[0]) << (8 * (i - 4))
			}
			delta = delta[1:]
		}
		if length == 0 {
			length = 0x10000
		}
		if at < 0 || at > len(base) || length > len(base)-at || len(out)+length > int(size) {
			return nil, errNotNative
		}
		out = append(out, base[at:at+length]...)
	}
	if uint64(len(out)) != size {
		return nil, errNotNative
	}
	return out, nil
}
