package fetchurl

import (
	"context"
	"fmt"
	"io"
	"time"
)

// stallReader gives up when nothing has come for a while: a server that stops
// answering would otherwise be waited for until the end of days.
type stallReader struct {
	r     io.Reader
	limit time.Duration
	timer *time.Timer
}

func newStallReader(r io.Reader, limit time.Duration, cancel context.CancelCauseFunc) *stallReader {
	return &stallReader{r, limit, time.AfterFunc(limit, func() {
		cancel(fmt.Errorf("the server has sent nothing for %s", limit))
	})}
}

func (s *stallReader) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.timer.Reset(s.limit)
	return n, err
}

func (s *stallReader) stop() { s.timer.Stop() }
