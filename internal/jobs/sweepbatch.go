package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

// sweepBatch schedules some rows together: what they have in common is read
// once, and the ledger is written a few times for all of them. Each row is as
// safe as a schedule of its own: its claim is durable before its line runs, and
// the line's answer is, before the ledger knows of it.
type sweepBatch struct {
	sw    *sweep
	start *start
	id    *identifier // of inputs, used while preparing
	rows  []*sweepJob

	preparing sync.Mutex // inputs and outputs of one row at a time

	mu      sync.Mutex
	pending []rowChange // of the ledger
	stopped error       // no further row is begun
}

// sweepJob is one row on its way.
type sweepJob struct {
	*scheduling
	number    int
	twin      int64  // see scheduling.claimIn
	already   string // the id of an open job that is the same
	failed    error
	told      bool // failed has been reported
	scheduled bool
}

// run schedules all rows.
func (sw *sweep) run(ctx context.Context) error {
	if err := sw.table.rewind(); err != nil {
		return impossible(sw.d, ActionSchedule, err)
	}
	sw.tell(0, 0)
	for {
		b, err := sw.newBatch(ctx)
		if err != nil {
			return impossible(sw.d, ActionSchedule, err)
		}
		more, err := b.fill(ctx)
		if err == nil {
			err = b.schedule(ctx)
		}
		b.start.close()
		if errors.Is(err, result.ErrStop) {
			return err
		}
		if err != nil || !more {
			return impossible(sw.d, ActionSchedule, err)
		}
	}
}

// tell counts rows and shows it.
func (sw *sweep) tell(done, failed int) {
	sw.mu.Lock()
	defer sw.mu.Unlock()
	sw.progress.Done += done
	sw.progress.Failed += failed
	if sw.opt.Progress != nil {
		sw.opt.Progress(sw.progress)
	}
}

// fill reads and plans the next rows. more is false at the table's end.
func (b *sweepBatch) fill(ctx context.Context) (more bool, err error) {
	for len(b.rows) < sweepBatchSize {
		row, err := b.sw.table.next()
		if err == io.EOF {
			return false, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		r := &sweepJob{number: row.number}
		b.rows = append(b.rows, r)
		c, err := b.sw.scheduling(row, b)
		if err == nil {
			r.scheduling, err = c, c.plan(ctx)
		}
		if err != nil && b.fail(r, err) != nil {
			return false, result.ErrStop
		}
	}
	return true, nil
}

// fail reports a row and returns what the sink says.
func (b *sweepBatch) fail(r *sweepJob, err error) error {
	r.failed, r.told = err, true
	text := fmt.Sprintf("row %d: %v", r.number, err)
	if hint := errs.Hint(err); hint != "" {
		text += " (" + hint + ")"
	}
	b.sw.tell(0, 1)
	rec := result.New(ActionSchedule, result.Impossible, b.sw.d.Path(), result.Dataset).Msg(text)
	return lockedSink{b.sw}.Emit(rec.With("sweep_row", r.number))
}

// left lists the rows that are still to be done.
func (b *sweepBatch) left() (list []*sweepJob) {
	for _, r := range b.rows {
		if r.failed == nil && r.already == "" {
			list = append(list, r)
		}
	}
	return list
}

// schedule takes the rows from the claim to the report.
func (b *sweepBatch) schedule(ctx context.Context) error {
	if err := b.claim(ctx); err != nil {
		return err
	}
	b.sw.opt.step.at("sweep claimed")
	for _, r := range b.rows {
		if r.failed != nil && !r.told {
			b.stopped = errors.Join(b.stopped, b.fail(r, r.failed))
		}
	}
	b.fetch(ctx)
	b.submit(ctx)
	b.flush(ctx)
	b.addHelpers(ctx)
	if err := b.report(); err != nil {
		return err
	}
	if b.stopped != nil {
		return result.ErrStop
	}
	return ctx.Err()
}

// claim stores all rows in one transaction.
func (b *sweepBatch) claim(ctx context.Context) error {
	if err := b.claimRows(ctx, b.left()); err != nil {
		return err
	}
	return b.settle(ctx)
}

func (b *sweepBatch) claimRows(ctx context.Context, rows []*sweepJob) error {
	if len(rows) == 0 {
		return nil
	}
	err := withLedger(ctx, b.sw.d, "schedule", func(l *ledger.Ledger) error {
		for _, r := range rows {
			r.makeJob()
			r.twin, r.failed = r.findTwin(ctx, l)
			if r.failed == nil && r.adopt == nil && r.twin == 0 {
				r.failed = r.findOpen(ctx, l)
			}
		}
		return l.Update(ctx, func(tx *ledger.Tx) error {
			for _, r := range rows {
				if r.failed == nil && r.adopt == nil && r.already == "" {
					r.failed = r.claimIn(tx, r.twin)
					r.checkSame()
				}
			}
			return ctx.Err()
		})
	})
	for _, r := range rows {
		if err == nil {
			r.dropStale()
		}
	}
	return err
}

// checkSame makes a conflict with an identical open job none.
func (r *sweepJob) checkSame() {
	var conflict *ledger.ConflictError
	if errors.As(r.failed, &conflict) && conflict.Other.State == ledger.StateOpen && r.sameAs(&conflict.Other) {
		r.failed, r.already = nil, label(&conflict.Other)
	}
}

// findOpen looks for an open isolated job that is the same: its claims are in
// nobody's way.
func (r *sweepJob) findOpen(ctx context.Context, l *ledger.Ledger) error {
	if r.iso == nil {
		return nil
	}
	list, err := r.twins(ctx, l)
	for _, job := range list {
		if job.State == ledger.StateOpen && r.sameAs(&job) {
			r.already = label(&job)
		}
	}
	return err
}

// fetch brings the inputs of all rows at once. What it fails to bring, each
// row finds out for itself, and so does an isolated job, whose inputs may be
// others.
func (b *sweepBatch) fetch(ctx context.Context) {
	if either(b.sw.opt.AssumeReady, "inputs") || b.sw.opt.Isolated != "" {
		return
	}
	seen := map[string]bool{}
	var absent []string
	for _, r := range b.left() {
		paths, err := r.w.inputPaths()
		if err != nil {
			continue
		}
		for _, p := range paths {
			if seen[p] || filepath.IsAbs(p) {
				continue
			}
			seen[p] = true
			file := b.sw.d.Repo.Path(filepath.FromSlash(p))
			if missing, err := lacksContent(file); err == nil && missing {
				absent = append(absent, file)
			}
		}
	}
	if len(absent) > 0 {
		_ = b.sw.d.Get(ctx, dataset.GetOptions{Paths: absent, Jobs: b.sw.opt.Jobs, Quiet: true}, lockedSink{b.sw})
	}
}

// submit runs the lines, some at once.
func (b *sweepBatch) submit(ctx context.Context) {
	b.each(b.left(), func(r *sweepJob) {
		err := b.stop(ctx)
		if err == nil {
			err = r.proceed(ctx)
		} else if r.adopt == nil {
			_ = r.release(ctx)
		}
		switch {
		case err == nil:
			r.scheduled = true
			b.sw.tell(1, 0)
		case ctx.Err() != nil || errors.Is(err, result.ErrStop):
			r.failed = err
		default:
			if err := b.fail(r, err); err != nil {
				b.mu.Lock()
				b.stopped = err
				b.mu.Unlock()
			}
		}
	})
}

// each runs fn for some rows at once.
func (b *sweepBatch) each(rows []*sweepJob, fn func(*sweepJob)) {
	limit := b.sw.opt.Jobs
	if limit <= 0 {
		limit = defaultSubmissions
	}
	var g errgroup.Group
	g.SetLimit(limit)
	for _, r := range rows {
		g.Go(func() error { fn(r); return nil })
	}
	_ = g.Wait()
}

// stop says why no further row is begun.
func (b *sweepBatch) stop(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped != nil {
		return result.ErrStop
	}
	return ctx.Err()
}

// report tells of the rows that are scheduled, in their order.
func (b *sweepBatch) report() (stop error) {
	for _, r := range b.rows {
		var err error
		switch {
		case r.scheduled && r.unsaved != nil:
			err = b.fail(r, fmt.Errorf("job %s was submitted, but could not be recorded: %w; repeat the same command to record it", label(&r.job), r.unsaved))
		case r.scheduled:
			err = lockedSink{b.sw}.Emit(r.scheduling.report().With("sweep_row", r.number))
		case r.already != "":
			b.sw.tell(1, 0)
			rec := result.New(ActionSchedule, result.NotNeeded, b.sw.d.Path(), result.Dataset)
			err = lockedSink{b.sw}.Emit(rec.Msg(fmt.Sprintf("row %d is scheduled already as job %s", r.number, r.already)).With("sweep_row", r.number))
		}
		if err != nil && stop == nil {
			stop = err
		}
	}
	return stop
}
