package schedule

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
)

// claim stores the job in state submitting, unless an identical one is there
// already.
func (c *Job) claim(ctx context.Context) error {
	c.makeJob()
	err := jobdb.With(ctx, c.d, "schedule", func(l *ledger.Ledger) error {
		twin, err := c.findTwin(ctx, l)
		if err != nil || c.adopt != nil {
			return err
		}
		return l.Update(ctx, func(tx *ledger.Tx) error { return c.claimIn(tx, twin) })
	})
	if err == nil {
		c.dropStale()
	}
	return err
}

// claimIn stores the job in place of its twin, a row whose line never ran; 0:
// there is none. Where it fails, the job is not stored.
func (c *Job) claimIn(tx *ledger.Tx, twin int64) error {
	if twin != 0 {
		if err := tx.Finish(ledger.Closing{ID: twin, Outcome: ledger.Released}); err != nil {
			return err
		}
	}
	if err := c.checkPending(tx); err != nil {
		return err
	}
	err := c.take(tx)
	var conflict *ledger.ConflictError
	if errors.As(err, &conflict) {
		err = errs.WithHint(err, "finish job %s or adjust the outputs of this one first (see `stemma jobs`)", jobrec.Label(&conflict.Other))
	}
	return err
}

// take stores the job with its claims.
func (c *Job) take(tx *ledger.Tx) error {
	if r := c.prov.Redo; r != nil && r.Row != 0 {
		return c.claimAgain(tx)
	}
	return tx.Claim(&c.job, c.opt.NoCheck)
}

// makeJob fills in what the ledger keeps from the start.
func (c *Job) makeJob() {
	c.job = ledger.Job{
		Scheduler: c.s.Name(), WorkTree: c.w.Top, Branch: c.start.head.Ref, DSID: c.d.ID, Pwd: c.w.Pwd, Message: c.w.Message,
		Cmd: c.w.Cmd, Expanded: c.w.Expanded, BaseCommit: c.start.base, Chain: c.w.Chain,
		Inputs: c.w.Inputs, ExtraInputs: c.w.Extra, Outputs: c.out.Recorded, Claims: c.out.Claims,
		SubmitFile: submission.NewFile(c.d), Owner: fsx.Self(), State: ledger.StateSubmitting, CreatedAt: c.d.Now().UTC(),
	}
	if c.opt.AltDir != "" {
		c.job.AltDir, _ = jobpath.AltRoot(c.opt.AltDir, c.d.Env.Cwd)
	}
	if either(c.opt.Expand, "inputs") {
		c.job.Inputs, c.job.ExtraInputs = c.w.In.Expand(), c.w.ExtraIn.Expand()
	}
	c.fillIsolated()
	c.prov.Anonymous, c.prov.Container, c.w.Ahead = c.opt.Anonymous, c.w.Container, c.prov.After
	if len(c.w.Tasks) > 0 {
		c.prov.Tasks, c.job.Tasks = jobrec.TaskList(c.w.Tasks), len(c.w.Tasks)
	}
	if either(c.opt.Expand, "outputs") {
		c.prov.Expand = "outputs"
	}
	c.prov.Environ, c.prov.Modules = jobrec.Environment(c.d.Env.Vars, c.opt.Anonymous)
	c.prov.Store(&c.job)
}
