package dataset

import (
	"os"

	"github.com/stemma-data/stemma/internal/gitindex"
)

// removed notes index entries at or below rel whose files are gone.
func (w *walk) removed(rel string) error {
	if w.index == nil {
		return nil
	}
	check := func(e gitindex.Entry) {
		if w.seen[e.Path] {
			return
		}
		if _, err := os.Lstat(w.d.Repo.Path(e.Path)); err == nil {
			return
		}
		w.seen[e.Path] = true
		w.changes = append(w.changes, Change{Path: e.Path, State: Deleted, Mode: e.Mode, OID: e.OID, Prev: e.OID, PrevMode: e.Mode, WorkTree: true, Gone: true, unmerged: e.Stage != 0})
	}
	if e, ok := w.index.Lookup(rel); ok {
		check(e)
	}
	if rel == "." {
		rel = ""
	}
	for e, err := range w.index.Under(rel) {
		if err != nil {
			return err
		}
		check(e)
	}
	return nil
}
