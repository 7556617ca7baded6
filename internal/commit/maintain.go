package commit

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/git"
)

// Limits above which git is asked to tidy up.
const (
	// looseLimit is the number of loose objects in one of the 256 folders; git's
	// own limit is 6,700 objects in all.
	looseLimit = 27
	// packLimit is git's own (gc.autoPackLimit).
	packLimit = 50
)

// maintain joins small packs that have piled up, and lets git repack what has
// piled up otherwise, after all locks are released. Of loose objects it looks at
// one folder only, as `git gc --auto` does. Failure is no failure of the command:
// the next one tries again.
func (p *Publisher) maintain(ctx context.Context) {
	p.sweep()
	packs, _ := p.Repo.JoinPacks()
	loose, _ := os.ReadDir(filepath.Join(p.Repo.CommonDir, "objects", "17"))
	if packs > packLimit || len(loose) > looseLimit {
		_, _ = p.Repo.Output(ctx, "maintenance", "run", "--auto", "--quiet")
	}
}

// TempDir is for files that are made there and renamed into the work tree; what
// a killed process leaves in it is removed a day later.
func TempDir(repo *git.Repo) string { return filepath.Join(StateDir(repo), "tmp") }

// leftoverAge is when a temporary file certainly belongs to nobody.
const leftoverAge = 24 * time.Hour

// sweep removes what killed processes have left.
func (p *Publisher) sweep() {
	sweepDir(TempDir(p.Repo), "")
	sweepDir(p.Repo.GitDir, git.IndexLockPrefix)
}

// sweepDir removes old files whose names begin with prefix.
func sweepDir(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > leftoverAge {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
