package annexcmd

import (
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// UnusedKeys visits the keys that `unused` has found last.
func (s *Session) UnusedKeys(visit func(annexkey.Key) error) error {
	text, err := os.ReadFile(s.D.Annex.Dir("unused"))
	if missing(err) {
		return nil // nothing was looked for, or nothing found
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		w := strings.Fields(line)
		if len(w) < 2 {
			continue
		}
		k, err := annexkey.Parse(w[1])
		if err != nil || k.Safe() != nil {
			continue
		}
		if err := visit(k); err != nil {
			return err
		}
	}
	return nil
}
