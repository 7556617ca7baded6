package annexcmd

import (
	"sync/atomic"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/transfer"
)

// progressOf tells the session's listener how the transfer of one item fares;
// nil where nobody listens. way is "from" or "to".
func (s *Session) progressOf(item Item, way string) transfer.Progress {
	if s.Progress == nil {
		return nil
	}
	return &itemProgress{s: s, item: item, way: way}
}

type itemProgress struct {
	s    *Session
	item Item
	way  string
}

// Begin implements transfer.Progress.
func (p *itemProgress) Begin(k annexkey.Key, remote string) transfer.Meter {
	return &itemMeter{p: p, outcome: p.item.ok(short(p.way + " " + remote + "...")), total: k.Size}
}

type itemMeter struct {
	p       *itemProgress
	outcome Outcome
	total   int64
	last    atomic.Int64
}

// stepBytes is how far content moves between two reports, at least.
const stepBytes = 256 << 10

// At implements transfer.Meter.
func (m *itemMeter) At(done int64) {
	if done-m.last.Load() >= stepBytes || done == m.total {
		m.last.Store(done)
		m.p.s.telling.Lock()
		defer m.p.s.telling.Unlock()
		m.p.s.Progress(m.outcome, done, m.total)
	}
}

// End implements transfer.Meter.
func (m *itemMeter) End(error) {}
