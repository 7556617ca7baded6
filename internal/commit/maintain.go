package commit

import (
	"context"
	"os"
	"path/filepath"
)

// looseLimit is the number of loose objects in one of the 256 folders above
// which git is asked to tidy up; git's own limit is 6,700 objects in all.
const looseLimit = 27

// maintain lets git pack what has piled up, after all locks are released. It
// looks at one folder only, as `git gc --auto` does. Failure is no failure of
// the command: the next one tries again.
func (p *Publisher) maintain(ctx context.Context) {
	entries, err := os.ReadDir(filepath.Join(p.Repo.CommonDir, "objects", "17"))
	if err != nil || len(entries) <= looseLimit {
		return
	}
	_, _ = p.Repo.Output(ctx, "maintenance", "run", "--auto", "--quiet")
}
