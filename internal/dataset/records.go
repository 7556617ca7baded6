package dataset

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/stemma-data/stemma/internal/result"
)

// Record makes a result record for a path of this dataset.
func (d *Dataset) Record(action, rel, typ string) result.Record {
	return result.New(action, result.OK, d.Repo.Path(filepath.FromSlash(rel)), typ).Ref(d.Path())
}

// FolderRecord says how it went for a named folder, of which files, by path
// relative to the top, are done or have failed.
func (d *Dataset) FolderRecord(r result.Record, rel string, done, failed map[string]bool, verb string) result.Record {
	r.Type = result.Dir
	var bad []any
	for _, file := range slices.Sorted(maps.Keys(failed)) {
		if underAny(file, []string{rel}) {
			bad = append(bad, d.Repo.Path(file))
		}
	}
	if len(bad) > 0 {
		return r.As(result.Impossible).With("message", result.Tuple{"could not " + verb + " some content in %s %s", r.Path, bad})
	}
	for file := range done {
		if underAny(file, []string{rel}) {
			return r.As(result.OK)
		}
	}
	return r.With("message", result.Tuple{"nothing to " + verb + " from %s", r.Path})
}
