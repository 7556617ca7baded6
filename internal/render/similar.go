package render

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/result"
)

// similar counts consecutive records that differ in nothing but their path and
// message, and holds back those above a threshold.
type similar struct {
	last  kind
	seen  int // records like last after the first one
	shown int // of those, how many were printed
}

// kind is what makes two records similar.
type kind struct{ action, status, typ, refds string }

func kindOf(rec result.Record) kind {
	return kind{rec.Action, string(rec.Status), rec.Type, rec.String("refds")}
}

// show prints rec, or counts it where threshold (0 = none) similar ones
// preceded it.
func (s *similar) show(rec result.Record, threshold int, print func() error, note func(string) error) error {
	if k := kindOf(rec); k != s.last {
		if err := s.flush(note); err != nil {
			return err
		}
		s.last = k
		return print()
	}
	s.seen++
	if threshold > 0 && s.seen >= threshold {
		return nil
	}
	s.shown++
	return print()
}

// skip ends the run of similar records at one that is not shown.
func (s *similar) skip(rec result.Record, note func(string) error) error {
	err := s.flush(note)
	s.last = kindOf(rec)
	return err
}

// flush reports what was held back.
func (s *similar) flush(note func(string) error) error {
	held := s.seen - s.shown
	*s = similar{}
	if held == 0 {
		return nil
	}
	noun := "messages have"
	if held == 1 {
		noun = "message has"
	}
	return note(fmt.Sprintf("  [%d similar %s been suppressed; disable with datalad.ui.suppress-similar-results=off]", held, noun))
}
