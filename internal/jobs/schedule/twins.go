package schedule

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
)

// findTwin looks for the claim of an identical schedule whose process is gone.
// If its line has told a job id, adopt is set; if the line never ran, the row
// is returned, to be taken over. Otherwise nobody knows, and an error says so.
func (c *Job) findTwin(ctx context.Context, l *ledger.Ledger) (int64, error) {
	list, err := c.twins(ctx, l)
	if err != nil {
		return 0, err
	}
	for _, job := range list {
		if job.State != ledger.StateSubmitting && job.State != ledger.StateUncertain {
			continue
		}
		switch submission.FateOf(&job, c.s) {
		case submission.Told:
			c.adopt = &job
			return 0, nil
		case submission.NeverRan:
			if job.Isolated != "" {
				c.stale = append(c.stale, job.AltDir)
			}
			return job.ID, nil
		case submission.Runs:
			if c.iso != nil {
				continue // they run side by side
			}
			return 0, nil // the conflict of the claims says the rest
		}
		c.adopt = &job
		return 0, nil
	}
	return 0, nil
}

// twins lists the jobs that may be this one, from an earlier call that died.
func (c *Job) twins(ctx context.Context, l *ledger.Ledger) ([]ledger.Job, error) {
	if c.iso != nil {
		return l.Worded(ctx, c.w.Top, c.job.Words)
	}
	claims, err := l.Overlapping(ctx, c.w.Top, c.job.Claims[0])
	if err != nil {
		return nil, err
	}
	// A twin has the same claims, so that only those who share one are read.
	var list []ledger.Job
	for _, cl := range claims {
		job, err := l.Get(ctx, cl.Job)
		if err != nil {
			return nil, err
		}
		if c.sameAs(&job) {
			list = append(list, job)
		}
	}
	return list, nil
}

// sameAs reports whether a job in the ledger was asked for in the same words.
func (c *Job) sameAs(j *ledger.Job) bool {
	if c.job.Isolated != "" || j.Isolated != "" {
		return c.job.Isolated == j.Isolated && c.job.Words == j.Words
	}
	a, b := c.job, *j
	for _, x := range []*ledger.Job{&a, &b} {
		*x = ledger.Job{
			Scheduler: x.Scheduler, Pwd: x.Pwd, AltDir: x.AltDir, Message: x.Message, Cmd: x.Cmd, Branch: x.Branch,
			Inputs: x.Inputs, ExtraInputs: x.ExtraInputs, Outputs: x.Outputs, Chain: x.Chain,
		}
	}
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
