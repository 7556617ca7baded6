package annexshell

import (
	"context"
	"sort"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/git"
)

// waitForRefs returns the new ids of branches once some have changed, as the
// protocol's CHANGED has them.
func waitForRefs(ctx context.Context, repo *git.Repo) (string, error) {
	before, err := branchIDs(ctx, repo)
	if err != nil {
		return "", err
	}
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(watchEvery):
		}
		now, err := branchIDs(ctx, repo)
		if err != nil {
			return "", err
		}
		var changed []string
		for ref, id := range now {
			if before[ref] != id {
				changed = append(changed, id)
			}
		}
		if len(changed) > 0 {
			sort.Strings(changed)
			return strings.Join(changed, " "), nil
		}
		before = now
	}
}

func branchIDs(ctx context.Context, repo *git.Repo) (map[string]string, error) {
	out, err := repo.Output(ctx, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/synced")
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, line := range strings.Split(string(out), "\n") {
		if ref, id, ok := strings.Cut(line, " "); ok {
			ids[ref] = id
		}
	}
	return ids, nil
}
