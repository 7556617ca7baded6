package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
)

// sweepBatch is some rows that are scheduled together.
type sweepBatch struct {
	*batch
	sw   *sweep
	rows []*sweepJob

	mu      sync.Mutex
	stopped error // no further row is begun
}

// sweepJob is one row on its way.
type sweepJob struct {
	*scheduling
	number    int
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
		b.close()
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
		if r.failed == nil && r.sameJob() == "" {
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
	b.batch.fetch(ctx, jobsOf(b.left()), lockedSink{b.sw})
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

// jobsOf lists what schedules the rows.
func jobsOf(rows []*sweepJob) []*scheduling {
	list := make([]*scheduling, len(rows))
	for i, r := range rows {
		list[i] = r.scheduling
	}
	return list
}

// claim stores all rows in one transaction.
func (b *sweepBatch) claim(ctx context.Context) error {
	rows := b.left()
	if err := b.batch.claim(ctx, jobsOf(rows)); err != nil {
		return err
	}
	for _, r := range rows {
		r.failed = r.claimFailed()
	}
	return nil
}

// submit runs the lines, some at once.
func (b *sweepBatch) submit(ctx context.Context) {
	b.each(b.left(), func(r *sweepJob) {
		err := b.stop(ctx)
		if err == nil {
			err = r.proceed(ctx)
		} else if !r.takesUp() {
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
		case r.scheduled && r.unrecorded() != nil:
			err = b.fail(r, fmt.Errorf("job %s was submitted, but could not be recorded: %w; repeat the same command to record it", r.name(), r.unrecorded()))
		case r.scheduled:
			err = lockedSink{b.sw}.Emit(r.scheduling.report().With("sweep_row", r.number))
		case r.scheduling != nil && r.sameJob() != "":
			b.sw.tell(1, 0)
			rec := result.New(ActionSchedule, result.NotNeeded, b.sw.d.Path(), result.Dataset)
			err = lockedSink{b.sw}.Emit(rec.Msg(fmt.Sprintf("row %d is scheduled already as job %s", r.number, r.sameJob())).With("sweep_row", r.number))
		}
		if err != nil && stop == nil {
			stop = err
		}
	}
	return stop
}

// addHelpers submits the helpers of a batch, whose jobs the ledger knows by now.
func (b *sweepBatch) addHelpers(ctx context.Context) {
	if b.sw.opt.AutoFinish == "" {
		return
	}
	var rows []*sweepJob
	for _, r := range b.rows {
		if r.scheduled && r.unrecorded() == nil {
			rows = append(rows, r)
		}
	}
	b.each(rows, func(r *sweepJob) { r.addHelper(ctx) })
}
