// Package schedule takes a job from the user's words to the scheduler: it claims
// the outputs, wires dependencies, gets inputs ready and has the line submitted.
// One job or a batch goes the same way. It never holds the repository's lease
// while the user's line, a transfer or a scheduler runs.
package schedule

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// Run claims the outputs, prepares inputs and outputs, runs the user's
// line and keeps what is needed to commit the job's results later. It reports
// one record, which holds the record of the job as "slurm_run_info".
//
// A repeated call that finds the claim of an identical one whose process died
// takes up the job that was submitted, if there is one. Errors: *result.Failure with
// *ledger.ConflictError, *PendingInputError, *submission.UncertainError or others inside.
func Run(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) error {
	w, err := jobspec.New(d, d.Env.Cwd)
	if err != nil {
		return Impossible(d, Action, err)
	}
	w.Cmd, w.Message, w.Chain = opt.Cmd, opt.Message, []string{}
	w.Inputs, w.Extra, w.Outputs, w.Container = opt.Inputs, opt.ExtraInputs, opt.Outputs, opt.Container
	return Perform(ctx, d, s, w, opt, sink)
}

// Perform does the work of Run for what is asked for otherwise, such as by a record.
func Perform(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, w *jobspec.Work, opt Options, sink result.Sink) error {
	if strings.TrimSpace(w.Cmd) == "" {
		d.Env.Log.Warn("No command given")
		return nil
	}
	c := &Job{d: d, s: s, w: w, opt: opt, sink: sink}
	defer func() { c.start.close() }()
	if err := c.Plan(ctx); err != nil {
		return Impossible(d, Action, err)
	}
	if opt.DryRun != "" {
		return sink.Emit(c.DryRun())
	}
	if err := c.perform(ctx); err != nil {
		return Impossible(d, Action, err)
	}
	c.AddHelper(ctx)
	return sink.Emit(c.Report())
}

// Job is one schedule command on its way.
type Job struct {
	d    *dataset.Dataset
	s    sched.Scheduler
	w    *jobspec.Work
	opt  Options
	sink result.Sink

	start  *start
	out    jobspec.Outputs
	ready  []string        // existing inputs, canonical
	plain  map[string]bool // those that are regular files, which have their content
	prov   jobrec.Provenance
	job    ledger.Job
	staged string // folder that the line runs in
	adopt  *ledger.Job
	iso    *isolation // nil: the job shares the dataset, or the alternative folder, with others
	stale  []string   // folders of claims that were taken over
	batch  *Batch     // of which this is one; nil: a command of its own

	twin    int64  // see claimIn
	already string // the id of an open job that is the same
	failed  error  // why it could not be claimed
	unsaved error  // of a job that is submitted, but not in the ledger

	finished map[int64]bool // producers that were finished first
}

// Plan works out everything that can be known without changing anything.
func (c *Job) Plan(ctx context.Context) error {
	if len(c.w.Outputs) == 0 {
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
	if err := c.w.FillIn(c.d); err != nil {
		return err
	}
	if err := errors.Join(c.planRedo(), c.planTasks()); err != nil {
		return err
	}
	c.out, err = c.w.ClaimOutputs(ctx, c.d, c.start.tree)
	if err != nil {
		return err
	}
	if err := c.planNested(ctx); err != nil {
		return err
	}
	if c.staged, err = stagedDir(c.opt.AltDir, c.d.Env.Cwd, c.w.Pwd); err != nil {
		return err
	}
	if c.iso != nil {
		c.staged = filepath.Join(c.iso.folder, filepath.FromSlash(c.w.Pwd))
	}
	if c.staged == "" {
		c.staged = c.w.Dir
	}
	return nil
}

// perform is everything that leaves traces. Whatever fails gives the claim
// back and undoes the preparation, unless a job may have been submitted.
func (c *Job) perform(ctx context.Context) error {
	if err := c.claimSettled(ctx); err != nil {
		return err
	}
	return c.Proceed(ctx)
}

// Proceed does what follows the claim.
func (c *Job) Proceed(ctx context.Context) error {
	if c.adopt != nil {
		return c.recording().TakeUp(ctx, *c.adopt)
	}
	c.opt.Step.At("claimed")
	undo, err := c.getReady(ctx)
	if err == nil {
		err = c.submit(ctx)
	}
	if err == nil {
		return nil
	}
	var uncertain *submission.UncertainError
	if errors.As(err, &uncertain) || errors.Is(err, submission.ErrInterrupted) {
		return err
	}
	if undo != nil {
		err = errors.Join(err, undo())
	}
	return keepHint(err, c.Release(ctx))
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
