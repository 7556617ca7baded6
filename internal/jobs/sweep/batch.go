package sweep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
)

// rowBatch is some rows that are scheduled together.
type rowBatch struct {
	*schedule.Batch
	sw   *sweep
	rows []*rowJob

	mu      sync.Mutex
	stopped error // no further row is begun
}

// rowJob is one row on its way.
type rowJob struct {
	*schedule.Job
	number    int
	failed    error
	told      bool // failed has been reported
	scheduled bool
}

// run schedules all rows.
func (sw *sweep) run(ctx context.Context) error {
	if err := sw.table.rewind(); err != nil {
		return schedule.Impossible(sw.d, schedule.Action, err)
	}
	sw.tell(0, 0)
	for {
		b, err := sw.newBatch(ctx)
		if err != nil {
			return schedule.Impossible(sw.d, schedule.Action, err)
		}
		more, err := b.fill(ctx)
		if err == nil {
			err = b.schedule(ctx)
		}
		b.Close()
		if errors.Is(err, result.ErrStop) {
			return err
		}
		if err != nil || !more {
			return schedule.Impossible(sw.d, schedule.Action, err)
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
func (b *rowBatch) fill(ctx context.Context) (more bool, err error) {
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
		r := &rowJob{number: row.number}
		b.rows = append(b.rows, r)
		c, err := b.sw.job(row, b)
		if err == nil {
			r.Job, err = c, c.Plan(ctx)
		}
		if err != nil && b.fail(r, err) != nil {
			return false, result.ErrStop
		}
	}
	return true, nil
}

// fail reports a row and returns what the sink says.
func (b *rowBatch) fail(r *rowJob, err error) error {
	r.failed, r.told = err, true
	text := fmt.Sprintf("row %d: %v", r.number, err)
	if hint := errs.Hint(err); hint != "" {
		text += " (" + hint + ")"
	}
	b.sw.tell(0, 1)
	rec := result.New(schedule.Action, result.Impossible, b.sw.d.Path(), result.Dataset).Msg(text)
	return lockedSink{b.sw}.Emit(rec.With("sweep_row", r.number))
}

// left lists the rows that are still to be done.
func (b *rowBatch) left() (list []*rowJob) {
	for _, r := range b.rows {
		if r.failed == nil && r.SameJob() == "" {
			list = append(list, r)
		}
	}
	return list
}

// schedule takes the rows from the claim to the report.
func (b *rowBatch) schedule(ctx context.Context) error {
	if err := b.claim(ctx); err != nil {
		return err
	}
	b.sw.opt.Step.At("sweep claimed")
	for _, r := range b.rows {
		if r.failed != nil && !r.told {
			b.stopped = errors.Join(b.stopped, b.fail(r, r.failed))
		}
	}
	b.Batch.Fetch(ctx, jobsOf(b.left()), lockedSink{b.sw})
	b.submit(ctx)
	b.Flush(ctx)
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
func jobsOf(rows []*rowJob) []*schedule.Job {
	list := make([]*schedule.Job, len(rows))
	for i, r := range rows {
		list[i] = r.Job
	}
	return list
}

// claim stores all rows in one transaction.
func (b *rowBatch) claim(ctx context.Context) error {
	rows := b.left()
	if err := b.Batch.Claim(ctx, jobsOf(rows)); err != nil {
		return err
	}
	for _, r := range rows {
		r.failed = r.ClaimFailed()
	}
	return nil
}

// submit runs the lines, some at once.
func (b *rowBatch) submit(ctx context.Context) {
	b.each(b.left(), func(r *rowJob) {
		err := b.stop(ctx)
		if err == nil {
			err = r.Proceed(ctx)
		} else if !r.TakesUp() {
			_ = r.Release(ctx)
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
func (b *rowBatch) each(rows []*rowJob, fn func(*rowJob)) {
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
func (b *rowBatch) stop(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped != nil {
		return result.ErrStop
	}
	return ctx.Err()
}

// report tells of the rows that are scheduled, in their order.
func (b *rowBatch) report() (stop error) {
	for _, r := range b.rows {
		var err error
		switch {
		case r.scheduled && r.Unrecorded() != nil:
			err = b.fail(r, fmt.Errorf("job %s was submitted, but could not be recorded: %w; repeat the same command to record it", r.Name(), r.Unrecorded()))
		case r.scheduled:
			err = lockedSink{b.sw}.Emit(r.Job.Report().With("sweep_row", r.number))
		case r.Job != nil && r.SameJob() != "":
			b.sw.tell(1, 0)
			rec := result.New(schedule.Action, result.NotNeeded, b.sw.d.Path(), result.Dataset)
			err = lockedSink{b.sw}.Emit(rec.Msg(fmt.Sprintf("row %d is scheduled already as job %s", r.number, r.SameJob())).With("sweep_row", r.number))
		}
		if err != nil && stop == nil {
			stop = err
		}
	}
	return stop
}

// addHelpers submits the helpers of a batch, whose jobs the ledger knows by now.
func (b *rowBatch) addHelpers(ctx context.Context) {
	if b.sw.opt.AutoFinish == "" {
		return
	}
	var rows []*rowJob
	for _, r := range b.rows {
		if r.scheduled && r.Unrecorded() == nil {
			rows = append(rows, r)
		}
	}
	b.each(rows, func(r *rowJob) { r.AddHelper(ctx) })
}
