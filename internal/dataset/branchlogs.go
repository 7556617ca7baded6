package dataset

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
)

// BranchLogs reads logs as they will be after git-annex has merged the
// branches that were fetched from remotes.
type BranchLogs struct {
	d    *Dataset
	then *annex.Snapshot // when this was made
	tips []gitobj.OID    // fetched branches that are not merged yet
}

// BranchLogs begins to read.
func (d *Dataset) BranchLogs(ctx context.Context) (*BranchLogs, error) {
	l := &BranchLogs{d: d}
	var err error
	if l.then, err = d.Annex.Snapshot(ctx); err != nil {
		return nil, err
	}
	merged := d.settledTips()
	own, err := d.Repo.Ref(ctx, annex.BranchRef)
	if err != nil {
		return nil, err
	}
	merged[string(own)] = true
	for _, s := range remote.List(d.Repo.Config, d.Path()) {
		id, err := d.Repo.Ref(ctx, "refs/remotes/"+s.Name+"/git-annex")
		if err != nil {
			return nil, err
		}
		if id != "" && !merged[string(id)] {
			merged[string(id)] = true
			l.tips = append(l.tips, id)
		}
	}
	return l, nil
}

// settledTips are tips that git-annex has merged, or never will.
func (d *Dataset) settledTips() map[string]bool {
	tips := map[string]bool{}
	for _, name := range []string{"mergedrefs", "ignoredrefs"} {
		text, _ := os.ReadFile(d.Annex.Dir(name))
		for _, line := range strings.Split(string(text), "\n") {
			id, _, _ := strings.Cut(line, "\t")
			tips[id] = true
		}
	}
	return tips
}

// Read returns a log.
func (l *BranchLogs) Read(ctx context.Context, path string) ([]byte, error) {
	return l.merged(ctx, path, l.d.Annex.ReadLog)
}

// merged is a log that read returns together with those of the fetched branches.
func (l *BranchLogs) merged(ctx context.Context, path string, read func(context.Context, string) ([]byte, error)) ([]byte, error) {
	data, err := read(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, tip := range l.tips {
		other, _, err := l.d.Repo.BlobAt(ctx, tip, path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if len(other) > 0 {
			data = annexlog.Union(data, other)
		}
	}
	return data, nil
}

// Locations are the repositories that have the key by the logs as they were when
// the command began.
func (l *BranchLogs) Locations(ctx context.Context, k annexkey.Key) ([]string, error) {
	data, err := l.merged(ctx, annexlog.LocationPath(k), l.then.ReadLog)
	return annexlog.ParsePresence(data).Present(), err
}
