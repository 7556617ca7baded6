package schedule

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
)

// submit runs the user's line and records the job.
func (c *Job) submit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	started := c.d.Now()
	a, err := submission.Line{
		Text: c.submitted(), Dir: c.staged, Env: append(append([]string{}, c.d.Env.Vars...), c.s.Environ()...),
		File: c.job.SubmitFile, Stdin: c.opt.Stdin, Stderr: c.opt.Stderr, Repo: c.d.Repo,
		Slow: func() {
			c.d.Env.Log.Warn(fmt.Sprintf("the submission still runs after %v: %s (an interrupt leaves it running; the same command takes its job up then)", submission.Long, c.submitted()))
		},
	}.Run(ctx)
	if errors.Is(err, submission.ErrInterrupted) {
		return errs.WithHint(err, "the claim is kept; repeat the same command to take up the job")
	}
	if err != nil {
		return err
	}
	c.opt.Step.At("submitted")
	c.prov.Stderr, c.prov.Exit = string(a.Stderr[max(0, len(a.Stderr)-4096):]), a.Exit
	id, cluster, ok := c.s.ParseSubmission(a.Stdout)
	if !ok {
		return c.recording().Unanswered(ctx, a, started)
	}
	return c.recording().Record(ctx, id, cluster, started)
}

// recording stores what becomes of the submission.
func (c *Job) recording() *submission.Recording {
	r := &submission.Recording{Dataset: c.d, Scheduler: c.s, Top: c.w.Top, Job: &c.job, Provenance: &c.prov, Dir: c.staged, Step: c.opt.Step, Many: c.batch != nil}
	if b := c.batch; b != nil {
		r.Later = func(ctx context.Context, fn func(*ledger.Tx) error) error { return b.later(ctx, c, fn) }
	}
	return r
}

// Release gives the claim back.
func (c *Job) Release(ctx context.Context) error { return c.recording().Release(ctx) }
