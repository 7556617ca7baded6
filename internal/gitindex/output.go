package gitindex

import (
	"hash"
	"io"

	"github.com/stemma-data/stemma/internal/gitobj"
)

const bufferSize = 256 << 10

// output writes to w and hashes what it writes; the first error stays.
type output struct {
	w    io.Writer
	sum  hash.Hash
	buf  []byte
	bare bool // without a checksum: zeros stand in its place
	err  error
}

func newOutput(w io.Writer, format gitobj.Format) *output {
	return &output{w: w, sum: format.New(), buf: make([]byte, 0, bufferSize)}
}

// write gathers small pieces and passes large ones on as they are.
func (o *output) write(p []byte) {
	if len(o.buf)+len(p) > cap(o.buf) {
		o.flush(o.buf)
		o.buf = o.buf[:0]
	}
	if len(p) >= cap(o.buf) {
		o.flush(p)
		return
	}
	o.buf = append(o.buf, p...)
}

// flush hashes and writes p at the same time: either takes about as long as
// the other.
func (o *output) flush(p []byte) {
	if o.err != nil || len(p) == 0 {
		return
	}
	if o.bare {
		_, o.err = o.w.Write(p)
		return
	}
	done := make(chan struct{})
	go func() {
		o.sum.Write(p)
		close(done)
	}()
	_, o.err = o.w.Write(p)
	<-done
}

// finish writes the rest and the checksum.
func (o *output) finish() error {
	o.flush(o.buf)
	if o.err != nil {
		return o.err
	}
	sum := o.sum.Sum(nil)
	if o.bare {
		clear(sum)
	}
	_, o.err = o.w.Write(sum)
	return o.err
}
