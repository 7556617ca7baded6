package schedule

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fetch"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/jobs/killpoint"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// Batch schedules some jobs together: what they have in common is read once,
// and the ledger is written a few times for all of them. Each job is as safe as
// a schedule of its own: its claim is durable before its line runs, and the
// line's answer is, before the ledger knows of it.
type Batch struct {
	d     *dataset.Dataset
	s     sched.Scheduler
	step  killpoint.Steps
	start *start
	id    *fileid.Identifier // of inputs, used while preparing

	preparing sync.Mutex // inputs and outputs of one job at a time

	mu      sync.Mutex
	pending []rowChange // of the ledger
}

// NewBatch reads what the next jobs are scheduled on. known may be shared by
// batches that follow each other.
func NewBatch(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, top string, known *fileid.Cache, step killpoint.Steps) (*Batch, error) {
	st, err := startingPoint(ctx, d)
	if err != nil {
		return nil, err
	}
	id := &fileid.Identifier{Top: top, Format: d.Repo.Format, Head: st.view, Index: st.index, Inner: st.tree.Inner, Known: known, Once: map[string]fileid.Identified{}}
	return &Batch{d: d, s: s, step: step, start: st, id: id}, nil
}

// Close gives files back.
func (b *Batch) Close() { b.start.close() }

// Job adds a job to the batch. sink must be safe for several goroutines.
func (b *Batch) Job(w *jobspec.Work, opt Options, row *jobrec.SweepRow, sink result.Sink) *Job {
	c := &Job{d: b.d, s: b.s, w: w, opt: opt, sink: sink, batch: b}
	c.prov.Sweep = row
	return c
}

// Claim stores jobs in one transaction. Those that cannot be claimed have
// failed, and those for which an identical open job stands are already there.
// Inputs that open jobs make are settled.
func (b *Batch) Claim(ctx context.Context, list []*Job) error {
	if err := b.claimAll(ctx, list); err != nil {
		return err
	}
	return b.settle(ctx, list)
}

func (b *Batch) claimAll(ctx context.Context, list []*Job) error {
	if len(list) == 0 {
		return nil
	}
	err := jobdb.With(ctx, b.d, "schedule", func(l *ledger.Ledger) error {
		for _, c := range list {
			c.makeJob()
			c.twin, c.failed = c.findTwin(ctx, l)
			if c.failed == nil && c.adopt == nil && c.twin == 0 {
				c.failed = c.findOpen(ctx, l)
			}
		}
		return l.Update(ctx, func(tx *ledger.Tx) error {
			for _, c := range list {
				if c.failed == nil && c.adopt == nil && c.already == "" {
					c.failed = c.claimIn(tx, c.twin)
					c.checkSame()
				}
			}
			return ctx.Err()
		})
	})
	for _, c := range list {
		if err == nil {
			c.dropStale()
		}
	}
	return err
}

// checkSame makes a conflict with an identical open job none.
func (c *Job) checkSame() {
	var conflict *ledger.ConflictError
	if errors.As(c.failed, &conflict) && conflict.Other.State == ledger.StateOpen && c.sameAs(&conflict.Other) {
		c.failed, c.already = nil, jobrec.Label(&conflict.Other)
	}
}

// findOpen looks for an open isolated job that is the same: its claims are in
// nobody's way.
func (c *Job) findOpen(ctx context.Context, l *ledger.Ledger) error {
	if c.iso == nil {
		return nil
	}
	list, err := c.twins(ctx, l)
	for _, job := range list {
		if job.State == ledger.StateOpen && c.sameAs(&job) {
			c.already = jobrec.Label(&job)
		}
	}
	return err
}

// settle makes jobs wait whose inputs are made by open jobs, and finishes what
// is completed; the scheduler is asked once a round for all of them.
func (b *Batch) settle(ctx context.Context, list []*Job) error {
	finished := map[int64]bool{}
	for range attempts {
		waiting, all := waitingIn(list)
		if len(waiting) == 0 {
			return nil
		}
		states, err := producerStates(ctx, b.s, all)
		if err != nil {
			return err
		}
		var done []ledger.Job
		var retry []*Job
		for _, c := range waiting {
			var p *pendingInputs
			errors.As(c.failed, &p)
			c.finished = finished
			first, err := c.decide(p.list, states)
			if c.failed = err; err == nil {
				done, retry = append(done, first...), append(retry, c)
			}
		}
		if len(done) > 0 {
			if err := retry[0].finishFirst(ctx, done); err != nil {
				return err
			}
			for _, c := range retry {
				c.start = b.start
			}
		}
		if err := b.claimAll(ctx, retry); err != nil {
			return err
		}
	}
	return nil
}

// waitingIn lists the jobs that could not be claimed because of their inputs.
func waitingIn(list []*Job) (waiting []*Job, all []pendingInput) {
	for _, c := range list {
		var p *pendingInputs
		if !c.opt.NoAutoDependency && errors.As(c.failed, &p) {
			waiting, all = append(waiting, c), append(all, p.list...)
		}
	}
	return waiting, all
}

// Fetch brings the inputs of all jobs at once. What it fails to bring, each job
// finds out for itself, and so does an isolated job, whose inputs may be others.
func (b *Batch) Fetch(ctx context.Context, list []*Job, sink result.Sink) {
	seen := map[string]bool{}
	var absent []string
	jobs := 0
	for _, c := range list {
		if either(c.opt.AssumeReady, "inputs") || c.iso != nil {
			continue
		}
		jobs = c.opt.Jobs
		paths, err := c.w.InputPaths()
		if err != nil {
			continue
		}
		for _, p := range paths {
			if seen[p] || filepath.IsAbs(p) {
				continue
			}
			seen[p] = true
			file := b.d.Repo.Path(filepath.FromSlash(p))
			if missing, err := lacksContent(file); err == nil && missing {
				absent = append(absent, file)
			}
		}
	}
	if len(absent) > 0 {
		_ = fetch.Get(ctx, b.d, fetch.Options{Paths: absent, Jobs: jobs, Quiet: true}, sink)
	}
}
