package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/screen"
)

// progressLine is the last line of a terminal, which says how far a command
// is. Where standard error is no terminal there is none.
type progressLine struct {
	mu    sync.Mutex
	w     io.Writer // nil: no line
	text  string
	drawn bool
	last  time.Time
}

// progressEvery is the shortest time between two drawings.
const progressEvery = 100 * time.Millisecond

func (a *app) progress() *progressLine {
	p := &progressLine{}
	if screen.IsTerminal(a.stderr) && a.human() {
		p.w = a.stderr
	}
	a.line = p
	return p
}

// messages is standard error for the log, which leaves the progress line last.
func (a *app) messages() io.Writer {
	return writerFunc(func(b []byte) (int, error) {
		if a.line == nil {
			return a.stderr.Write(b)
		}
		return a.line.above(a.stderr).Write(b)
	})
}

// show replaces the line, not too often.
func (p *progressLine) show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = text
	if now := time.Now(); now.Sub(p.last) >= progressEvery {
		p.draw()
		p.last = now
	}
}

// draw draws the line anew; the lock is held.
func (p *progressLine) draw() {
	if p.w == nil || p.text == "" {
		return
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", p.text)
	p.drawn = true
}

// clear takes the line away.
func (p *progressLine) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	p.text = ""
}

func (p *progressLine) wipe() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.drawn = false
}

// around runs fn, which prints, with the line out of the way.
func (p *progressLine) around(fn func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wipe()
	err := fn()
	p.draw()
	return err
}

// above makes a writer whose text goes above the line.
func (p *progressLine) above(w io.Writer) io.Writer {
	return writerFunc(func(b []byte) (n int, err error) {
		err = p.around(func() error { n, err = w.Write(b); return err })
		return n, err
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// sink lets records be shown above the line.
func (p *progressLine) sink(s result.Sink) result.Sink {
	return result.SinkFunc(func(r result.Record) error { return p.around(func() error { return s.Emit(r) }) })
}
