package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/ledger"
)

// submit runs the user's line and records the job.
func (c *scheduling) submit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	started := c.d.Now()
	a, err := submission{
		line: c.submitted(), dir: c.staged, env: append(append([]string{}, c.d.Env.Vars...), c.s.Environ()...),
		file: c.job.SubmitFile, stdin: c.opt.Stdin, stderr: c.opt.Stderr, repo: c.d.Repo,
		slow: func() {
			c.d.Env.Log.Warn(fmt.Sprintf("the submission still runs after %v: %s (an interrupt leaves it running; the same command takes its job up then)", longSubmission, c.submitted()))
		},
	}.run(ctx)
	if errors.Is(err, errInterrupted) {
		return errs.WithHint(err, "the claim is kept; repeat the same command to take up the job")
	}
	if err != nil {
		return err
	}
	c.opt.step.at("submitted")
	c.prov.Stderr, c.prov.Exit = string(a.stderr[max(0, len(a.stderr)-4096):]), a.exit
	id, cluster, ok := c.s.ParseSubmission(a.stdout)
	if !ok {
		return c.recording().unanswered(ctx, a, started)
	}
	return c.recording().record(ctx, id, cluster, started)
}

// recording stores what becomes of the submission.
func (c *scheduling) recording() *recording {
	r := &recording{d: c.d, s: c.s, top: c.w.top, job: &c.job, prov: &c.prov, dir: c.staged, step: c.opt.step, many: c.batch != nil}
	if b := c.batch; b != nil {
		r.later = func(ctx context.Context, fn func(*ledger.Tx) error) error { return b.later(ctx, c, fn) }
	}
	return r
}

// release gives the claim back.
func (c *scheduling) release(ctx context.Context) error { return c.recording().release(ctx) }
