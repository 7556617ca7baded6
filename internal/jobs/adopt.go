package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// AdoptOptions name a claim and the job that it turned out to be.
type AdoptOptions struct {
	JobID string // the scheduler's: "12" or "12;cluster"
	Row   int64  // of the claim; 0: the only one that is not settled
}

// Adopt settles a claim whose submission is uncertain: the job is there. The
// scheduler must know it.
func Adopt(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt AdoptOptions, sink result.Sink) error {
	top, err := d.RealPath()
	if err != nil {
		return err
	}
	job, err := unsettled(ctx, d, top, opt.Row)
	if err != nil {
		return err
	}
	own, err := jobstate.SchedulerOf(s, job)
	if err != nil {
		return fmt.Errorf("adopt job %s: %w", opt.JobID, err)
	}
	if _, err := own.Describe(ctx, opt.JobID); err != nil {
		return errs.WithHint(fmt.Errorf("adopt job %s: %w", opt.JobID, err), "check the id with squeue")
	}
	id, cluster, _ := strings.Cut(opt.JobID, ";")
	return schedule.TakeIn(ctx, d, own, *job, id, cluster, sink)
}

// unsettled finds the claim that is to be settled.
func unsettled(ctx context.Context, d *dataset.Dataset, top string, row int64) (*ledger.Job, error) {
	list, err := jobdb.OpenJobs(ctx, d, top)
	if err != nil {
		return nil, err
	}
	var open []ledger.Job
	for _, j := range list {
		if j.State == ledger.StateOpen {
			if j.ID == row {
				return nil, fmt.Errorf("claim #%d is settled: it is job %s", row, j.JobID)
			}
			continue
		}
		if row == 0 || j.ID == row {
			open = append(open, j)
		}
	}
	switch {
	case len(open) == 0 && row != 0:
		return nil, fmt.Errorf("claim #%d: %w", row, jobdb.ErrUnknownJob)
	case len(open) == 0:
		return nil, errors.New("no submission is uncertain")
	case len(open) > 1:
		rows := make([]string, len(open))
		for i, j := range open {
			rows[i] = fmt.Sprintf("#%d", j.ID)
		}
		return nil, errs.WithHint(fmt.Errorf("several claims are not settled: %s", strings.Join(rows, ", ")), "name one of them (see `stemma jobs`)")
	}
	return &open[0], stillBusy(&open[0])
}

// stillBusy refuses to touch a claim whose process lives.
func stillBusy(j *ledger.Job) error {
	if j.State == ledger.StateSubmitting && j.Owner.Fate() == fsx.Alive {
		return fmt.Errorf("claim #%d is being submitted right now by %s", j.ID, j.Owner)
	}
	return nil
}

// ReleaseOptions name what is given up.
type ReleaseOptions struct {
	JobID string // the scheduler's id of an open job; or else
	Row   int64  // a claim; or, where both are empty, the only one not settled
}

// Release gives up a job or claim without a commit: its outputs are free for
// others. The scheduler's job is not cancelled. A claim that a living process
// is submitting is refused.
func Release(ctx context.Context, d *dataset.Dataset, opt ReleaseOptions, sink result.Sink) error {
	top, err := d.RealPath()
	if err != nil {
		return err
	}
	job, err := toRelease(ctx, d, top, opt)
	if err != nil {
		return err
	}
	err = jobdb.With(ctx, d, "release job", func(l *ledger.Ledger) error {
		return l.Finish(ctx, ledger.Closing{ID: job.ID, Outcome: ledger.Released})
	})
	if err != nil {
		return fmt.Errorf("release %s: %w", jobrec.Label(job), err)
	}
	ledger.DropCopy(job)
	rec := result.New("slurm-release", result.OK, d.Path(), result.Dataset).Msg("gave up job " + jobrec.Label(job))
	return sink.Emit(rec.With("outputs", job.Outputs))
}

func toRelease(ctx context.Context, d *dataset.Dataset, top string, opt ReleaseOptions) (*ledger.Job, error) {
	if opt.JobID != "" {
		job, err := jobdb.Find(ctx, d, top, opt.JobID, "")
		return &job, err
	}
	if opt.Row != 0 {
		list, err := jobdb.OpenJobs(ctx, d, top)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].ID == opt.Row {
				return &list[i], stillBusy(&list[i])
			}
		}
		return nil, fmt.Errorf("claim #%d: %w", opt.Row, jobdb.ErrUnknownJob)
	}
	return unsettled(ctx, d, top, 0)
}
