package git

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// addFrom appends a blob of exactly so many bytes and returns its id. One that is
// there, or that known tells of, is taken away again.
func (p *newPack) addFrom(src io.Reader, size int64, level int, known func(id []byte) bool) (gitobj.OID, error) {
	if err := p.settle(); err != nil {
		return "", err
	}
	begin, crc := p.size(), crc32.NewIEEE()
	undo := func() error {
		if begin >= p.flushed {
			p.tail = p.tail[:begin-p.flushed]
			return nil
		}
		p.flushed, p.tail = begin, p.tail[:0]
		return p.file.Truncate(begin)
	}
	if size > math.MaxInt {
		return "", fmt.Errorf("write blob: %d bytes are too many here", size)
	}
	h := p.format.New()
	fmt.Fprintf(h, "blob %d\x00", size)
	w := &streamWriter{pack: p, crc: crc}
	_, err := w.Write(appendSize(nil, blobKind, int(size)))
	z, zerr := p.compressor(level, w)
	if err = errors.Join(err, zerr); err != nil {
		return "", errors.Join(err, undo())
	}
	_, err = io.CopyN(io.MultiWriter(z, h), src, size)
	if err = errors.Join(err, z.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write blob: %w", err), undo())
	}
	raw := h.Sum(nil)
	id := gitobj.FromBytes(raw)
	if known(raw) {
		return id, undo()
	}
	p.note(raw)
	p.places = append(p.places, packedAt{begin, crc.Sum32()})
	return id, nil
}

// streamWriter appends to a pack, and writes it to its file piece by piece.
type streamWriter struct {
	pack *newPack
	crc  io.Writer
}

func (w *streamWriter) Write(b []byte) (int, error) {
	w.crc.Write(b)
	w.pack.tail = append(w.pack.tail, b...)
	limit := pieces
	if w.pack.file == nil {
		limit = spillAt
	}
	if len(w.pack.tail) < limit {
		return len(b), nil
	}
	return len(b), w.pack.spill()
}
