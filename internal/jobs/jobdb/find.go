package jobdb

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/ledger"
)

// ErrUnknownJob says that the ledger has no such job.
var ErrUnknownJob = errors.New("no such job")

// OpenJobs lists the jobs of the work tree that are not closed, oldest first.
func OpenJobs(ctx context.Context, d *dataset.Dataset, top string) (list []ledger.Job, err error) {
	if !ledger.HasOpen(commit.StateDir(d.Repo)) {
		return nil, nil
	}
	err = With(ctx, d, "look at jobs", func(l *ledger.Ledger) error {
		for job, err := range l.Jobs(ctx, ledger.Filter{WorkTree: top}) {
			if err != nil {
				return err
			}
			list = append(list, job)
		}
		return nil
	})
	return list, err
}

// Find finds an open job of this work tree by the scheduler's id, or by the
// ledger's row, "#N". Of several it is the one on the preferred scheduler.
func Find(ctx context.Context, d *dataset.Dataset, top, id, preferred string) (job ledger.Job, err error) {
	var rivals []ledger.Job
	if err = ledger.ErrNotFound; Exists(d) {
		err = With(ctx, d, "look at jobs", func(l *ledger.Ledger) error {
			if text, isRow := strings.CutPrefix(id, "#"); isRow {
				row, _ := strconv.ParseInt(text, 10, 64) // there is no row 0
				job, err = l.Get(ctx, row)
				return err
			}
			if job, err = l.ByJobID(ctx, id); err == nil && job.State != ledger.StateClosed {
				rivals, err = l.WithJobID(ctx, id)
			}
			return err
		})
	}
	rivals = slices.DeleteFunc(rivals, func(j ledger.Job) bool { return j.WorkTree != top })
	if len(rivals) > 1 {
		own := slices.DeleteFunc(slices.Clone(rivals), func(j ledger.Job) bool { return j.Scheduler != preferred })
		if len(own) != 1 {
			return job, errs.WithHint(fmt.Errorf("there are %d open jobs %s: schedulers use ids again", len(rivals), id), "name the claim (`#N`) instead; see `stemma jobs --json`")
		}
		return own[0], nil
	}
	if len(rivals) == 1 {
		job = rivals[0]
	}
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		err = fmt.Errorf("job %s: %w in this dataset", id, ErrUnknownJob)
		return job, errs.WithHint(err, "`stemma jobs` lists the jobs of this dataset; a job of another clone is finished there")
	case err != nil:
		return job, err
	case job.WorkTree != top:
		err = fmt.Errorf("job %s belongs to the work tree %s", id, job.WorkTree)
		return job, errs.WithHint(err, "finish it there")
	case job.State == ledger.StateClosed:
		err = fmt.Errorf("job %s is closed already (%s)", id, job.Outcome)
		if job.Commit != "" {
			err = fmt.Errorf("job %s is closed already: committed as %s", id, job.Commit.Short())
		}
		return job, err
	}
	return job, nil
}

// PeerDatabase is where the Slurm extension of DataLad keeps its open jobs.
func PeerDatabase(d *dataset.Dataset) string { return filepath.Join(d.Repo.GitDir, d.ID+".db") }
