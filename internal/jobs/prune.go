package jobs

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
)

// Prune deletes the records of jobs of this clone that were closed before the
// time, and what their helpers left, and returns how many jobs. Open jobs, and
// the commits of closed ones, stay.
func Prune(ctx context.Context, d *dataset.Dataset, before time.Time) (n int64, err error) {
	if !jobdb.Exists(d) {
		return 0, nil
	}
	err = jobdb.With(ctx, d, "prune jobs", func(l *ledger.Ledger) error {
		n, err = l.Prune(ctx, before)
		return err
	})
	if err != nil {
		return n, err
	}
	files, err := filepath.Glob(filepath.Join(schedule.HelperDir(d), "finish-*.out"))
	for _, file := range files {
		if fi, err := os.Lstat(file); err == nil && fi.Mode().IsRegular() && fi.ModTime().Before(before) {
			_ = os.Remove(file)
		}
	}
	return n, err
}
