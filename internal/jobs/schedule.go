package jobs

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// Schedule claims the outputs, prepares inputs and outputs, runs the user's
// line and keeps what is needed to commit the job's results later. It reports
// one record, which holds the record of the job as "slurm_run_info".
//
// A repeated call that finds the claim of an identical one whose process died
// takes up the job that was submitted, if there is one. Errors: *result.Failure with
// *ledger.ConflictError, *PendingInputError, *UncertainError or others inside.
func Schedule(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt ScheduleOptions, sink result.Sink) error {
	w, err := newWork(d, d.Env.Cwd)
	if err != nil {
		return impossible(d, ActionSchedule, err)
	}
	w.cmd, w.message, w.chain = opt.Cmd, opt.Message, []string{}
	w.inputs, w.extra, w.outputs = opt.Inputs, opt.ExtraInputs, opt.Outputs
	return schedule(ctx, d, s, w, opt, sink)
}

// schedule does the work of Schedule and, for one commit, of Reschedule.
func schedule(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, w *work, opt ScheduleOptions, sink result.Sink) error {
	if strings.TrimSpace(w.cmd) == "" {
		d.Env.Log.Warn("No command given")
		return nil
	}
	c := &scheduling{d: d, s: s, w: w, opt: opt, sink: sink}
	defer func() { c.start.close() }()
	if err := c.plan(ctx); err != nil {
		return impossible(d, ActionSchedule, err)
	}
	if opt.DryRun != "" {
		return sink.Emit(c.dryRun())
	}
	if err := c.perform(ctx); err != nil {
		return impossible(d, ActionSchedule, err)
	}
	c.addHelper(ctx)
	return sink.Emit(c.report())
}

// scheduling is one schedule command on its way.
type scheduling struct {
	d    *dataset.Dataset
	s    sched.Scheduler
	w    *work
	opt  ScheduleOptions
	sink result.Sink

	start  *start
	out    outputs
	ready  []string        // existing inputs, canonical
	plain  map[string]bool // those that are regular files, which have their content
	prov   provenance
	job    ledger.Job
	staged string // folder that the line runs in
	adopt  *ledger.Job
	iso    *isolation // nil: the job shares the dataset, or the alternative folder, with others
	stale  []string   // folders of claims that were taken over
	batch  *batch     // of which this is one; nil: a command of its own

	twin    int64  // see claimIn
	already string // the id of an open job that is the same
	failed  error  // why it could not be claimed
	unsaved error  // of a job that is submitted, but not in the ledger

	finished map[int64]bool // producers that were finished first
}

// plan works out everything that can be known without changing anything.
func (c *scheduling) plan(ctx context.Context) error {
	if len(c.w.outputs) == 0 {
		return errs.WithHint(errors.New("At least one output must be specified for datalad schedule."), //nolint:staticcheck // DataLad's text
			"declare what the job will write with -o PATH")
	}
	var err error
	if c.batch != nil {
		c.start = c.batch.start
	} else if c.start, err = startingPoint(ctx, c.d); err != nil {
		return err
	}
	if err := c.planIsolated(ctx); err != nil {
		return err
	}
	if err := c.w.fillIn(c.d); err != nil {
		return err
	}
	if err := errors.Join(c.planRedo(), c.planTasks()); err != nil {
		return err
	}
	c.out, err = c.w.claimOutputs(ctx, c.d, c.start.view)
	if err != nil {
		return err
	}
	if c.staged, err = stagedDir(c.opt.AltDir, c.d.Env.Cwd, c.w.pwd); err != nil {
		return err
	}
	if c.iso != nil {
		c.staged = filepath.Join(c.iso.folder, filepath.FromSlash(c.w.pwd))
	}
	if c.staged == "" {
		c.staged = c.w.dir
	}
	return nil
}

// perform is everything that leaves traces. Whatever fails gives the claim
// back and undoes the preparation, unless a job may have been submitted.
func (c *scheduling) perform(ctx context.Context) error {
	if err := c.claimSettled(ctx); err != nil {
		return err
	}
	return c.proceed(ctx)
}

// proceed does what follows the claim.
func (c *scheduling) proceed(ctx context.Context) error {
	if c.adopt != nil {
		return c.recording().takeUp(ctx, *c.adopt)
	}
	c.opt.step.at("claimed")
	undo, err := c.getReady(ctx)
	if err == nil {
		err = c.submit(ctx)
	}
	if err == nil {
		return nil
	}
	var uncertain *UncertainError
	if errors.As(err, &uncertain) || errors.Is(err, errInterrupted) {
		return err
	}
	if undo != nil {
		err = errors.Join(err, undo())
	}
	return keepHint(err, c.release(ctx))
}

// keepHint joins errors and keeps the first one's hint.
func keepHint(err, other error) error {
	if other == nil {
		return err
	}
	joined := errors.Join(err, other)
	if hint := errs.Hint(err); hint != "" {
		return errs.WithHint(joined, "%s", hint)
	}
	return joined
}
