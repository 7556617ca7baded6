package git

import (
	"bytes"
	"cmp"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/compress/zlib"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// newPack is a pack that grows object by object (gitformat-pack(5)). A small one
// is in memory only until it is finished. Objects are compressed by a goroutine of
// its own, so what is given to it must not be changed afterwards. It is not safe
// for concurrent use.
type newPack struct {
	format gitobj.Format
	at     map[[32]byte]int // which object an id is
	ids    [][]byte         // of the objects, in their order
	chains map[int]int      // how many differences lead to an object, by its number
	queue  chan queued      // nil: nothing was queued
	in     inflater
	packed
}

// packed is what the goroutine that compresses works on; settle waits for it.
type packed struct {
	busy    sync.WaitGroup
	err     error
	dir     string   // where the pack will lie
	file    *os.File // nil while all of it is in memory
	flushed int64    // bytes in the file
	tail    []byte   // what follows them
	places  []packedAt
	z       map[int]*zlib.Writer
}

// packedAt is where an object begins.
type packedAt struct {
	offset int64
	crc    uint32
}

// queued is an object to append.
type queued struct {
	kind  byte
	base  int // number of the object that data is a difference from; of an offsetDelta
	data  []byte
	level int // of zlib
}

const (
	spillAt  = 16 << 20 // bytes that are held in memory
	pieces   = 1 << 20  // bytes of a stream that are written at once
	queueLen = 64
)

func startPack(format gitobj.Format, dir string) *newPack {
	p := &newPack{format: format, at: map[[32]byte]int{}, chains: map[int]int{}}
	p.dir, p.tail, p.z = dir, packStart(0), map[int]*zlib.Writer{}
	return p
}

func packKey(id []byte) (key [32]byte) {
	copy(key[:], id)
	return key
}

// number returns which object has the id.
func (p *newPack) number(id []byte) (n int, ok bool) {
	n, ok = p.at[packKey(id)]
	return n, ok
}

func (p *newPack) note(id []byte) {
	p.at[packKey(id)] = len(p.ids)
	p.ids = append(p.ids, id)
}

// add appends an object, compressed with a level of zlib. An error is told of
// later, by settle.
func (p *newPack) add(id []byte, kind byte, data []byte, level int) {
	p.enqueue(id, queued{kind: kind, data: data, level: level})
}

// addDelta appends an object as its difference from an earlier one.
func (p *newPack) addDelta(id []byte, base int, delta []byte, level int) {
	p.chains[len(p.ids)] = p.chains[base] + 1
	p.enqueue(id, queued{kind: offsetDelta, base: base, data: delta, level: level})
}

func (p *newPack) enqueue(id []byte, q queued) {
	if p.queue == nil {
		p.queue = make(chan queued, queueLen)
		go func() {
			for q := range p.queue {
				if p.err == nil {
					p.err = p.append(q)
				}
				p.busy.Done()
			}
		}()
	}
	p.busy.Add(1)
	p.queue <- q
	p.note(id)
}

// settle waits until everything is compressed that was added.
func (p *newPack) settle() error {
	p.busy.Wait()
	return p.err
}

// append compresses an object; it runs in the goroutine.
func (p *newPack) append(q queued) error {
	begin := len(p.tail)
	p.tail = appendSize(p.tail, q.kind, len(q.data))
	if q.kind == offsetDelta {
		p.tail = appendBack(p.tail, p.size()-int64(len(p.tail)-begin)-p.places[q.base].offset)
	}
	z, err := p.compressor(q.level, (*tailWriter)(&p.packed))
	if err != nil {
		return err
	}
	if _, err := z.Write(q.data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	p.places = append(p.places, packedAt{p.flushed + int64(begin), crc32.ChecksumIEEE(p.tail[begin:])})
	if len(p.tail) < spillAt {
		return nil
	}
	return p.spill()
}

func (p *packed) size() int64 { return p.flushed + int64(len(p.tail)) }

func (p *packed) compressor(level int, w io.Writer) (*zlib.Writer, error) {
	z := p.z[level]
	if z != nil {
		z.Reset(w)
		return z, nil
	}
	z, err := zlib.NewWriterLevel(w, level)
	if err == nil {
		p.z[level] = z
	}
	return z, err
}

// tailWriter appends to a pack's tail.
type tailWriter packed

func (w *tailWriter) Write(b []byte) (int, error) {
	w.tail = append(w.tail, b...)
	return len(b), nil
}

// spill writes what is in memory to the file.
func (p *packed) spill() (err error) {
	if p.file == nil {
		if p.file, err = makeFile(p.dir, "tmp_pack_"); err != nil {
			return err
		}
	}
	if _, err := p.file.WriteAt(p.tail, p.flushed); err != nil {
		p.err = err // no object is whole that comes after it
		return err
	}
	p.flushed += int64(len(p.tail))
	p.tail = p.tail[:0]
	return nil
}

// object returns object n as it was before.
func (p *newPack) object(n int) (typ string, data []byte, err error) {
	if err := p.settle(); err != nil {
		return "", nil, err
	}
	body, err := p.body(n)
	if err != nil {
		return "", nil, err
	}
	h, err := readPackHead(body, p.format.Size())
	if err != nil || h.size > math.MaxInt32 {
		return "", nil, errors.Join(err, errNotNative)
	}
	if data, err = p.in.exactly(body[h.len:], int(h.size)); err != nil || h.kind != offsetDelta {
		return packTypes[h.kind], data, err
	}
	at := p.places[n].offset - h.back
	base, ok := slices.BinarySearchFunc(p.places, at, func(o packedAt, at int64) int { return cmp.Compare(o.offset, at) })
	if !ok {
		return "", nil, errNotNative
	}
	typ, whole, err := p.object(base)
	if err != nil {
		return "", nil, err
	}
	data, err = applyDelta(whole, data)
	return typ, data, err
}

// body returns an object's head and its compressed bytes.
func (p *newPack) body(n int) ([]byte, error) {
	begin, end := p.places[n].offset, p.size()
	if n+1 < len(p.places) {
		end = p.places[n+1].offset
	}
	if begin >= p.flushed {
		return p.tail[begin-p.flushed : end-p.flushed], nil
	}
	if end > p.flushed {
		if err := p.spill(); err != nil {
			return nil, err
		}
	}
	buf := make([]byte, end-begin)
	_, err := p.file.ReadAt(buf, begin)
	return buf, err
}

// stop ends the goroutine; nothing more can be added.
func (p *newPack) stop() error {
	err := p.settle()
	if p.queue != nil {
		close(p.queue)
		p.queue = nil
	}
	return err
}

// finish makes the pack and its index durable and visible.
func (p *newPack) finish(w packWriter) (name string, err error) {
	if err := p.stop(); err != nil {
		return "", err
	}
	sorted := make([]indexed, len(p.ids))
	for n, at := range p.places {
		sorted[n] = indexed{id: p.ids[n], crc: at.crc, offset: at.offset}
	}
	slices.SortFunc(sorted, func(a, b indexed) int { return bytes.Compare(a.id, b.id) })
	if p.file == nil {
		return w.pack(p.dir, [][]byte{p.tail[packHead:]}, sorted)
	}
	file := p.file
	sum, err := p.seal(w)
	p.file = nil
	if err != nil {
		discard(file)
		return "", err
	}
	return w.publish(p.dir, file, sum, sorted)
}

// seal writes the number of objects, which was not known before, and the check
// sum.
func (p *newPack) seal(w packWriter) (sum []byte, err error) {
	if err := p.spill(); err != nil {
		return nil, err
	}
	if _, err := p.file.WriteAt(packStart(len(p.ids)), 0); err != nil {
		return nil, err
	}
	h := w.hash()
	if _, err := io.Copy(h, io.NewSectionReader(p.file, 0, p.flushed)); err != nil {
		return nil, err
	}
	sum = h.Sum(nil)
	_, err = p.file.WriteAt(sum, p.flushed)
	return sum, err
}

// abort takes the pack away.
func (p *newPack) abort() {
	_ = p.stop()
	if p.file != nil {
		discard(p.file)
		p.file = nil
	}
}
