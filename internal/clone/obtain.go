package clone

import (
	"context"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/result"
)

// Obtain brings the subdatasets here that paths or patterns of files, absolute
// and not found so far, lie in; without content. some says that there were some
// to look into. What lies in no subdataset is passed over.
func Obtain(ctx context.Context, d *dataset.Dataset, missing []string, jobs int, sink result.Sink) (some bool, err error) {
	var dirs []string
	for _, p := range missing {
		rel, err := d.Rel(p)
		if err != nil {
			continue // of another place
		}
		e, ok, err := d.GitlinkAbove(rel)
		if err != nil {
			return false, err
		}
		if !ok {
			continue
		}
		dir := literalDir(rel)
		if len(dir) < len(e.Path) {
			dir = e.Path // the subdataset itself is meant
		}
		if abs := d.Repo.Path(filepath.FromSlash(dir)); !slices.Contains(dirs, abs) {
			dirs = append(dirs, abs)
		}
	}
	if len(dirs) == 0 {
		return false, nil
	}
	return true, Get(ctx, d, GetOptions{Paths: dirs, NoData: true, Quiet: true, Jobs: jobs}, sink)
}

// literalDir is the folder of a pattern, as far as it is told without wildcards.
func literalDir(pattern string) string {
	if i := strings.IndexAny(pattern, "*?["); i >= 0 {
		pattern = pattern[:i] + "x"
	}
	return path.Dir(pattern)
}
