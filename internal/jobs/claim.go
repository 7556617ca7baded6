package jobs

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/ledger"
)

// claim stores the job in state submitting, unless an identical one is there
// already.
func (c *scheduling) claim(ctx context.Context) error {
	c.makeJob()
	err := withLedger(ctx, c.d, "schedule", func(l *ledger.Ledger) error {
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
func (c *scheduling) claimIn(tx *ledger.Tx, twin int64) error {
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
		err = errs.WithHint(err, "finish job %s or adjust the outputs of this one first (see `stemma jobs`)", label(&conflict.Other))
	}
	return err
}

// take stores the job with its claims.
func (c *scheduling) take(tx *ledger.Tx) error {
	if r := c.prov.Redo; r != nil && r.Row != 0 {
		return c.claimAgain(tx)
	}
	return tx.Claim(&c.job, c.opt.NoCheck)
}

// makeJob fills in what the ledger keeps from the start.
func (c *scheduling) makeJob() {
	c.job = ledger.Job{
		Scheduler: c.s.Name(), WorkTree: c.w.top, Branch: c.start.head.Ref, DSID: c.d.ID, Pwd: c.w.pwd, Message: c.w.message,
		Cmd: c.w.cmd, Expanded: c.w.expanded, BaseCommit: c.start.head.OID, Chain: c.w.chain,
		Inputs: c.w.inputs, ExtraInputs: c.w.extra, Outputs: c.out.Recorded, Claims: c.out.Claims,
		SubmitFile: submitName(c.d), Owner: fsx.Self(), State: ledger.StateSubmitting, CreatedAt: c.d.Now().UTC(),
	}
	if c.opt.AltDir != "" {
		c.job.AltDir, _ = altRoot(c.opt.AltDir, c.d.Env.Cwd)
	}
	if either(c.opt.Expand, "inputs") {
		c.job.Inputs, c.job.ExtraInputs = c.w.in.Expand(), c.w.xin.Expand()
	}
	c.fillIsolated()
	c.prov.Anonymous, c.w.ahead = c.opt.Anonymous, c.prov.After
	if len(c.w.tasks) > 0 {
		c.prov.Tasks, c.job.Tasks = taskList(c.w.tasks), len(c.w.tasks)
	}
	if either(c.opt.Expand, "outputs") {
		c.prov.Expand = "outputs"
	}
	c.prov.Environ, c.prov.Modules = environment(c.d.Env.Vars, c.opt.Anonymous)
	c.prov.store(&c.job)
}
