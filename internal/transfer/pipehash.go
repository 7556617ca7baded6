package transfer

import "hash"

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

// pipeFrom is the size in bytes from which a second goroutine pays off.
const pipeFrom = 4 << 20

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
