// Package sweep schedules one job for each row of a table. It reads and checks
// tables and tells of rows; how a job is scheduled it leaves to package schedule.
package sweep

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// Options are those of schedule, as templates: the columns of a table are
// placeholders in command, inputs, outputs and message, {row} is the number of
// the row. Jobs bounds the submissions under way, too. Stdin is not used.
type Options struct {
	schedule.Options
	Table    string         // as the user wrote it
	Format   string         // FormatCSV, FormatTSV, or "" to go by the name
	Progress func(Progress) // called by one goroutine at a time; may be nil
}

// Progress tells how far a sweep is.
type Progress struct {
	Checked bool // the table is read, Rows is known
	Rows    int
	Done    int // scheduled, or scheduled already
	Failed  int
}

// defaultSubmissions is how many lines run at once: a scheduler's controller
// is shared by many people.
const defaultSubmissions = 4

// sweepBatchSize is how many rows are claimed in one transaction.
const sweepBatchSize = 256

// Run schedules one job for each row of a table. The table is checked as a
// whole before anything is submitted: its form, the columns that the templates
// name, and that no two rows have an output in common. Each row reports one
// record, in which "sweep_row" is its number; a row that fails is reported and
// does not stop the others, unless the sink does. A row that an identical open
// job stands for is "notneeded", so that a sweep that was killed, or some of
// whose rows failed, is completed by the same command.
//
// Memory grows with the number of outputs only, by some hundred bytes for each.
func Run(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) error {
	base, err := jobspec.New(d, d.Env.Cwd)
	if err != nil {
		return schedule.Impossible(d, schedule.Action, err)
	}
	path := opt.Table
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.Env.Cwd, path)
	}
	table, err := openTable(path, opt.Format)
	if err != nil {
		return schedule.Impossible(d, schedule.Action, err)
	}
	defer table.close()
	opt.Stdin = nil
	if opt.Stderr != nil {
		opt.Stderr = &sharedWriter{w: opt.Stderr}
	}
	sw := &sweep{d: d, s: s, opt: opt, sink: sink, base: base, table: table, known: &fileid.Cache{}}
	if err := sw.check(ctx); err != nil {
		return schedule.Impossible(d, schedule.Action, err)
	}
	if opt.DryRun != "" {
		return sw.dryRun(ctx)
	}
	return sw.run(ctx)
}

// sweep is one sweep on its way.
type sweep struct {
	d     *dataset.Dataset
	s     sched.Scheduler
	opt   Options
	sink  result.Sink
	base  *jobspec.Work
	table *sweepTable
	known *fileid.Cache

	mu       sync.Mutex // of what follows, and of the sink
	progress Progress
}

// work fills a row into the templates.
func (sw *sweep) work(row sweepRow) (w *jobspec.Work, err error) {
	opt := &sw.opt
	w = &jobspec.Work{Top: sw.base.Top, Dir: sw.base.Dir, Pwd: sw.base.Pwd, Chain: []string{}, Container: opt.Container, Links: sw.base.Memo()}
	if w.Cmd, err = iospec.FillIn(opt.Cmd, row.values, true); err != nil {
		return nil, err
	}
	for _, l := range []struct {
		to   *[]string
		from []string
	}{{&w.Inputs, opt.Inputs}, {&w.Extra, opt.ExtraInputs}, {&w.Outputs, opt.Outputs}} {
		for _, text := range l.from {
			if text, err = iospec.FillIn(text, row.values, false); err != nil {
				return nil, err
			}
			*l.to = append(*l.to, text)
		}
	}
	w.Message, err = pyfmt.Format(opt.Message, func(name string) (any, error) {
		if v, ok := row.values[name]; ok {
			return v, nil
		}
		return nil, pyfmt.ErrUnknown
	})
	var key *pyfmt.KeyError
	if errors.As(err, &key) {
		err = &iospec.PlaceholderError{Subject: "message", Err: err}
	}
	return w, err
}

// job prepares what schedules one row of a batch.
func (sw *sweep) job(row sweepRow, b *rowBatch) (*schedule.Job, error) {
	if len(sw.base.Memo()) > maxMemo {
		clear(sw.base.Links)
	}
	w, err := sw.work(row)
	if err != nil {
		return nil, err
	}
	return b.Job(w, sw.opt.Options, &jobrec.SweepRow{Row: row.number, Values: row.values}, lockedSink{sw}), nil
}

// maxMemo bounds how many names are remembered of a table's paths.
const maxMemo = 20_000

// dryRun shows each row.
func (sw *sweep) dryRun(ctx context.Context) error {
	b, err := sw.newBatch(ctx)
	if err == nil {
		defer b.Close()
		err = sw.table.rewind()
	}
	for err == nil {
		var row sweepRow
		if row, err = sw.table.next(); err == io.EOF {
			return nil
		}
		if err != nil {
			break
		}
		var c *schedule.Job
		if c, err = sw.job(row, b); err == nil {
			err = c.Plan(ctx)
		}
		if err != nil {
			err = sw.explain(row, err)
			break
		}
		if err := sw.sink.Emit(c.DryRun().With("sweep_row", row.number)); err != nil {
			return err
		}
	}
	return schedule.Impossible(sw.d, schedule.Action, err)
}

// newBatch reads what the next rows are scheduled on.
func (sw *sweep) newBatch(ctx context.Context) (*rowBatch, error) {
	b, err := schedule.NewBatch(ctx, sw.d, sw.s, sw.base.Top, sw.known, sw.opt.Step)
	if err != nil {
		return nil, err
	}
	return &rowBatch{sw: sw, Batch: b}, nil
}

// sharedWriter is for several goroutines.
type sharedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *sharedWriter) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(p)
}

// lockedSink is the sweep's sink for several goroutines.
type lockedSink struct{ sw *sweep }

func (l lockedSink) Emit(r result.Record) error {
	l.sw.mu.Lock()
	defer l.sw.mu.Unlock()
	return l.sw.sink.Emit(r)
}
