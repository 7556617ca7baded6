package transfer

import (
	"hash"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// pipeHash computes a hash in a goroutine of its own, so that a large file is
// hashed while its next block is being copied. It is used by one goroutine,
// written to until Sum, and stopped by stop.
type pipeHash struct {
	hash.Hash
	blocks chan []byte
	free   chan []byte
	done   chan struct{}
	closed bool
}

// pipeDepth is how many blocks may wait.
const pipeDepth = 4

func newPipeHash(h hash.Hash) *pipeHash {
	p := &pipeHash{h, make(chan []byte, pipeDepth), make(chan []byte, pipeDepth+1), make(chan struct{}), false}
	for range pipeDepth {
		p.free <- nil
	}
	go func() {
		defer close(p.done)
		for b := range p.blocks {
			p.Hash.Write(b)
			p.free <- b
		}
	}()
	return p
}

// Write hands a copy of b over.
func (p *pipeHash) Write(b []byte) (int, error) {
	p.blocks <- append((<-p.free)[:0], b...)
	return len(b), nil
}

// stop waits for the goroutine; the hash has seen everything then.
func (p *pipeHash) stop() {
	if p == nil {
		return
	}
	if !p.closed {
		p.closed = true
		close(p.blocks)
	}
	<-p.done
}

// Sum is the digest of everything written. Nothing may be written after it.
func (p *pipeHash) Sum(b []byte) []byte {
	p.stop()
	return p.Hash.Sum(b)
}

// newPipeOf hashes for the key; nil where it has no hash.
func newPipeOf(k annexkey.Key) *pipeHash {
	h, ok := k.Hasher()
	if !ok {
		return nil
	}
	return newPipeHash(h)
}

// orNil keeps a nil pointer from becoming a hash that is not nil.
func (p *pipeHash) orNil() hash.Hash {
	if p == nil {
		return nil
	}
	return p
}
