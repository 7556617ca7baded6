package transfer

import (
	"context"
	"fmt"
	"hash"
	"os"
	"sync/atomic"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// Progress is told how transfers fare. It is called from many goroutines.
type Progress interface {
	// Begin says that content starts to move between here and a remote, or tries
	// to once more.
	Begin(k annexkey.Key, remote string) Meter
}

// Expecter is a Progress that also wants to know what will be transferred.
type Expecter interface {
	// Expect says that the content of a file is about to be transferred.
	Expect(k annexkey.Key, file string)
}

// Expect tells p, which may be nil, about a file if it wants to know.
func Expect(p Progress, k annexkey.Key, file string) {
	if e, ok := p.(Expecter); ok {
		e.Expect(k, file)
	}
}

// Meter follows one attempt. Its methods are called one after the other.
type Meter interface {
	// At says how many bytes of the content are there; it may go back.
	At(bytes int64)
	// End says that the attempt is over.
	End(err error)
}

// silentMeter is where nobody wants to know.
type silentMeter struct{}

func (silentMeter) At(int64)  {}
func (silentMeter) End(error) {}

func begin(p Progress, k annexkey.Key, r remote.Remote) Meter {
	if p == nil {
		return silentMeter{}
	}
	return p.Begin(k, r.Name())
}

// watch ends a transfer in which nothing moves any more, or too much does.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	path   string // a file that may grow without telling; "" for none
	stall  time.Duration
	timer  *time.Timer
	moved  atomic.Int64
	seen   int64 // moved and the file's size, at the last look
	meter  Meter
	base   int64 // bytes that were there before
	most   int64 // of the content; -1 if not known
	key    annexkey.Key
}

// newWatch watches over an attempt until its end is called. stall is what is
// configured, 0 for nothing: then remotes of which silence tells nothing have
// all the time that they want.
func newWatch(ctx context.Context, k annexkey.Key, r remote.Remote, stall time.Duration, m Meter) *watch {
	w := &watch{stall: stall, meter: m, most: k.Size, key: k, seen: -1}
	if _, streams := remote.As[remote.Streamer](r); streams && stall <= 0 {
		w.stall = remote.DefaultStall
	}
	if _, timed := remote.As[remote.Timed](r); timed {
		w.stall = 0
	}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	return w
}

// start begins to look at the clock; path is where content goes to.
func (w *watch) start(path string, base int64) {
	w.path, w.base = path, base
	if w.stall > 0 {
		w.timer = time.AfterFunc(w.stall, w.look)
	}
}

func (w *watch) look() {
	now := w.moved.Load()
	if w.path != "" {
		if fi, err := os.Lstat(w.path); err == nil {
			now += fi.Size()
		}
	}
	if now == w.seen || w.seen < 0 && now == w.base {
		w.cancel(fmt.Errorf("%w (%s)", remote.ErrStalled, w.stall))
		return
	}
	w.seen = now
	w.timer.Reset(w.stall)
}

// add counts n bytes that have moved.
func (w *watch) add(n int64) {
	total := w.moved.Add(n) + w.base
	if w.most >= 0 && total > w.most {
		w.cancel(&remote.SizeError{Key: w.key, Have: total, Want: w.most})
	}
	w.meter.At(total)
}

// end stops watching and returns why the attempt failed, if it did: what the
// watch has found counts before what that led to.
func (w *watch) end(err error) error {
	if w.timer != nil {
		w.timer.Stop()
	}
	if cause := context.Cause(w.ctx); cause != nil && err != nil {
		err = cause
	}
	w.cancel(nil)
	return err
}

// counted is a hash that tells the watch what goes through it; the inner one
// may be nil.
type counted struct {
	hash.Hash
	w *watch
}

func (c counted) Write(p []byte) (int, error) {
	if c.Hash != nil {
		c.Hash.Write(p)
	}
	c.w.add(int64(len(p)))
	return len(p), nil
}

func (c counted) Sum(b []byte) []byte {
	if c.Hash == nil {
		return b
	}
	return c.Hash.Sum(b)
}

func (c counted) Reset() {
	if c.Hash != nil {
		c.Hash.Reset()
	}
}

func (c counted) Size() int {
	if c.Hash == nil {
		return 0
	}
	return c.Hash.Size()
}

func (c counted) BlockSize() int {
	if c.Hash == nil {
		return 1
	}
	return c.Hash.BlockSize()
}
