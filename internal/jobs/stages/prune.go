package stages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/stage"
)

// Pruned is what Prune has removed, or would remove.
type Pruned struct {
	Stages []Stage
	Pools  []Pool // of each, what nobody holds any more
	Kept   int    // folders of open jobs
}

// Prune removes the folders of isolated jobs that are closed, and then
// from the pools what no folder holds any more. Folders of open jobs, and
// alternative folders, stay. With dryRun nothing is removed, and of pools it
// tells only what is unused right now.
func Prune(ctx context.Context, d *dataset.Dataset, dryRun bool) (p Pruned, err error) {
	list, _, err := List(ctx, d)
	if err != nil {
		return p, err
	}
	var failures []error
	roots := map[string]bool{}
	for _, s := range list {
		if s.Kind != "isolated" {
			continue
		}
		roots[s.root] = true
		if s.Open {
			p.Kept++
			continue
		}
		if err := ctx.Err(); err != nil {
			return p, err
		}
		if !dryRun {
			if err := pruneStage(d, s); err != nil {
				failures = append(failures, err)
				continue
			}
		}
		p.Stages = append(p.Stages, s)
	}
	for root := range roots {
		gone, err := stage.PrunePool(root, dryRun)
		if err != nil {
			failures = append(failures, err)
		}
		if gone.Files > 0 {
			p.Pools = append(p.Pools, Pool{root, "pool", stage.Usage{Files: gone.Files, Bytes: gone.Bytes, Inodes: gone.Files}})
		}
	}
	slices.SortFunc(p.Pools, func(a, b Pool) int { return strings.Compare(a.Root, b.Root) })
	return p, errors.Join(failures...)
}

// pruneStage removes a folder first and then its note, so that a killed prune
// is taken up by the next one.
func pruneStage(d *dataset.Dataset, s Stage) error {
	if !stage.IsFolder(s.root, s.Folder) {
		return fmt.Errorf("remove staging folder %s: it is no folder of a job", s.Folder)
	}
	if fi, err := os.Lstat(s.Folder); err == nil && !fi.IsDir() {
		return fmt.Errorf("remove staging folder %s: it is no folder", s.Folder)
	}
	if err := stage.Remove(s.Folder); err != nil {
		return fmt.Errorf("remove staging folder: %w", err)
	}
	return Note{Root: s.root, Folder: s.Folder}.Forget(d)
}
