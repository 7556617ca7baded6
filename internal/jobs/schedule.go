package jobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// ScheduleOptions are the options of schedule. Paths are as the user wrote
// them, relative to the user's folder.
type ScheduleOptions struct {
	Cmd         string // the submission line; see runrec.NormalizeCommand
	Inputs      []string
	ExtraInputs []string
	Outputs     []string
	Message     string // "" for none
	Expand      string // "", "inputs", "outputs" or "both": what is recorded expanded
	AssumeReady string // "", "inputs", "outputs" or "both": what is not prepared
	NoCheck     bool   // --check-outputs no: conflicts are accepted
	// NoAutoDependency refuses inputs that an open job will make, where the job
	// would else be made to wait for that one.
	NoAutoDependency bool
	DryRun           string // "", "basic" or "command": nothing is done
	AltDir           string // folder to run in instead of the dataset, or ""
	Isolated         string // folder that holds a folder for the job, with its inputs as they are committed, or ""
	Anonymous        bool   // hosts, accounts and absolute paths stay out of the record
	Jobs             int    // parallel transfers; 0: the default
	AutoFinish       string // the program that commits the results when the job is over, in a small job of its own; "": none

	Stdin  io.Reader // of the submission line; pass an *os.File on as it is
	Stderr io.Writer // shows the line's messages as they come; nil: nobody

	step steps // tests
}

func either(value, one string) bool { return value == one || value == "both" }

// Schedule claims the outputs, prepares inputs and outputs, runs the user's
// line and keeps what is needed to commit the job's results later. It reports
// one record, which holds the record of the job as "slurm_run_info".
//
// A repeated call that finds the claim of an identical one whose process died
// takes up the job that was submitted, if there is one. Errors: *Failure with
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
	iso    *isolation  // nil: the job shares the dataset, or the alternative folder, with others
	stale  []string    // folders of claims that were taken over
	sweep  *sweepBatch // of which this is one row; nil: a command of its own

	unsaved error // of a row whose job is submitted, but not in the ledger

	finished map[int64]bool // producers that were finished first
}

// plan works out everything that can be known without changing anything.
func (c *scheduling) plan(ctx context.Context) error {
	if len(c.w.outputs) == 0 {
		return errs.WithHint(errors.New("At least one output must be specified for datalad schedule."), //nolint:staticcheck // DataLad's text
			"declare what the job will write with -o PATH")
	}
	var err error
	if c.sweep != nil {
		c.start = c.sweep.start
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
	c.out, err = c.w.claimOutputs(ctx, c.d, c.start)
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

// start is what jobs are scheduled on.
type start struct {
	head git.Head
	view *git.TreeView
	// index is read when it is asked for; nil: it cannot be read natively.
	index func() *gitindex.File
}

// close gives files back; a command may schedule many jobs.
func (st *start) close() {
	if st != nil {
		st.view.Close()
	}
}

// startingPoint refuses branches that jobs cannot be scheduled on.
func startingPoint(ctx context.Context, d *dataset.Dataset) (*start, error) {
	head, err := d.Repo.Head(ctx)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(head.Ref, "refs/heads/adjusted/") {
		return nil, errs.WithHint(fmt.Errorf("schedule: %s is an adjusted branch, which is not supported yet", head.Branch()),
			"check out the branch that it was made from")
	}
	return &start{head: head, view: d.Repo.View(head.OID), index: sync.OnceValue(func() *gitindex.File {
		index, err := d.Repo.ReadIndex()
		if err != nil {
			return nil
		}
		return index
	})}, nil
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
		return c.takeUp(ctx)
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

// release gives the claim back.
func (c *scheduling) release(ctx context.Context) error {
	err := c.change(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		return tx.Finish(ledger.Closing{ID: c.job.ID, Outcome: ledger.Released})
	})
	ledger.DropCopy(&c.job)
	return err
}

// getReady is prepare, for one row of a sweep at a time.
func (c *scheduling) getReady(ctx context.Context) (undo func() error, err error) {
	if c.sweep != nil {
		c.sweep.preparing.Lock()
		defer c.sweep.preparing.Unlock()
	}
	return c.prepare(ctx)
}

// prepare fetches inputs, unlocks outputs and copies to the alternative
// folder, and notes what the inputs are.
func (c *scheduling) prepare(ctx context.Context) (undo func() error, err error) {
	if c.iso != nil {
		return c.isolate(ctx)
	}
	if err := c.obtain(ctx); err != nil {
		return nil, err
	}
	if err := c.w.checkInputs(); err != nil {
		return nil, err
	}
	if c.ready, err = c.w.inputPaths(); err != nil {
		return nil, err
	}
	if err := c.identify(ctx); err != nil {
		return nil, err
	}
	if !either(c.opt.AssumeReady, "inputs") {
		if err := c.fetch(ctx); err != nil {
			return nil, err
		}
	}
	if c.job.AltDir != "" {
		return nil, c.stage(ctx)
	}
	if either(c.opt.AssumeReady, "outputs") {
		return nil, nil
	}
	return c.unlock(ctx)
}

// identify notes the content of every input, and of the job script.
func (c *scheduling) identify(ctx context.Context) error {
	id := &identifier{top: c.w.top, format: c.d.Repo.Format, head: c.start.view, index: c.start.index}
	if c.sweep != nil {
		id = c.sweep.id
	}
	var err error
	if c.job.InputIDs, err = id.identify(ctx, c.ready); err != nil {
		return err
	}
	c.plain = id.plain
	maps.DeleteFunc(c.job.InputIDs, func(p, _ string) bool { return makes(c.w.ahead, p) })
	if c.prov.Script, err = c.w.scriptOf(ctx, id); err != nil {
		return err
	}
	if sc := c.prov.Script; sc != nil {
		c.job.Script = sc.Path
		if sc.State != stateClean {
			c.d.Env.Log.Warn(fmt.Sprintf("the job script %s is %s; its content is recorded by its id only, save it to keep it", sc.Path, sc.State))
		}
	}
	c.prov.store(&c.job)
	return nil
}

// sameAs reports whether a job in the ledger was asked for in the same words.
func (c *scheduling) sameAs(j *ledger.Job) bool {
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
