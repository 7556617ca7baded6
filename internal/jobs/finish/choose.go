package finish

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

// chosen is choose with DataLad's word on a job that is not known.
func (f *finishing) chosen(ctx context.Context) ([]ledger.Job, error) {
	jobs, err := f.choose(ctx)
	if errors.Is(err, jobdb.ErrUnknownJob) {
		text := "Error accessing slurm job " + f.opt.JobID + " in database" // DataLad's text
		err = &result.Failure{Record: result.New(Action, result.Error, "", "").Msg(text), Err: err}
	}
	return jobs, err
}

// choose reads the open jobs that the command is about.
func (f *finishing) choose(ctx context.Context) ([]ledger.Job, error) {
	if f.opt.JobID != "" {
		job, err := jobdb.Find(ctx, f.d, f.top, f.opt.JobID, f.s.Name())
		if err != nil {
			return nil, err
		}
		return []ledger.Job{job}, nil
	}
	list, err := jobdb.OpenJobs(ctx, f.d, f.top)
	f.open = list
	return list, err
}
