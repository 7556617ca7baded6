package dataset

import (
	"context"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/ledger"
)

// Above calls fn for the datasets that this one lies in and that have open jobs,
// from the nearest up; rel is where this one lies in them. What git refuses to
// open is passed over. Where there are no repositories above, it costs one look
// at each folder on the way up.
func (d *Dataset) Above(ctx context.Context, fn func(super *Dataset, rel string) error) error {
	top, err := d.RealPath()
	if err != nil {
		return err
	}
	for dir := filepath.Dir(top); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if !mayHaveJobs(dir) {
			continue
		}
		if err := d.oneAbove(ctx, dir, top, fn); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dataset) oneAbove(ctx context.Context, dir, top string, fn func(super *Dataset, rel string) error) error {
	repo, err := d.Repo.OpenBelow(ctx, dir) // which starts no process; dir lies above
	if err != nil {
		return nil // nobody can schedule there
	}
	defer repo.Close()
	super, err := From(repo, d.Env)
	if err != nil {
		return nil
	}
	root, err := super.RealPath()
	if err != nil || root != dir || !ledger.HasOpen(commit.StateDir(super.Repo)) {
		return err
	}
	rel, err := filepath.Rel(root, top)
	if err != nil {
		return err
	}
	return fn(super, filepath.ToSlash(rel))
}

// mayHaveJobs is a cheap look at a folder that may be the top of a repository.
func mayHaveJobs(dir string) bool {
	fi, err := os.Lstat(filepath.Join(dir, ".git"))
	if err != nil {
		return false
	}
	if !fi.IsDir() {
		return git.IsTop(dir)
	}
	return ledger.HasOpen(filepath.Join(dir, ".git", "stemma"))
}
