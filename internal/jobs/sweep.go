package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// SweepOptions are those of schedule, as templates: the columns of a table are
// placeholders in command, inputs, outputs and message, {row} is the number of
// the row. Jobs bounds the submissions under way, too. Stdin is not used.
type SweepOptions struct {
	ScheduleOptions
	Table    string              // as the user wrote it
	Format   string              // FormatCSV, FormatTSV, or "" to go by the name
	Progress func(SweepProgress) // called by one goroutine at a time; may be nil
}

// SweepProgress tells how far a sweep is.
type SweepProgress struct {
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

// Sweep schedules one job for each row of a table. The table is checked as a
// whole before anything is submitted: its form, the columns that the templates
// name, and that no two rows have an output in common. Each row reports one
// record, in which "sweep_row" is its number; a row that fails is reported and
// does not stop the others, unless the sink does. A row that an identical open
// job stands for is "notneeded", so that a sweep that was killed, or some of
// whose rows failed, is completed by the same command.
//
// Memory grows with the number of outputs only, by some hundred bytes for each.
func Sweep(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt SweepOptions, sink result.Sink) error {
	base, err := newWork(d, d.Env.Cwd)
	if err != nil {
		return impossible(d, ActionSchedule, err)
	}
	path := opt.Table
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.Env.Cwd, path)
	}
	table, err := openTable(path, opt.Format)
	if err != nil {
		return impossible(d, ActionSchedule, err)
	}
	defer table.close()
	opt.Stdin = nil
	if opt.Stderr != nil {
		opt.Stderr = &sharedWriter{w: opt.Stderr}
	}
	sw := &sweep{d: d, s: s, opt: opt, sink: sink, base: base, table: table, known: &identities{}}
	if err := sw.check(ctx); err != nil {
		return impossible(d, ActionSchedule, err)
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
	opt   SweepOptions
	sink  result.Sink
	base  *work
	table *sweepTable
	known *identities

	mu       sync.Mutex // of what follows, and of the sink
	progress SweepProgress
}

// work fills a row into the templates.
func (sw *sweep) work(row sweepRow) (w *work, err error) {
	opt := &sw.opt
	w = &work{top: sw.base.top, dir: sw.base.dir, pwd: sw.base.pwd, chain: []string{}, links: sw.base.memo()}
	if w.cmd, err = iospec.FillIn(opt.Cmd, row.values, true); err != nil {
		return nil, err
	}
	for _, l := range []struct {
		to   *[]string
		from []string
	}{{&w.inputs, opt.Inputs}, {&w.extra, opt.ExtraInputs}, {&w.outputs, opt.Outputs}} {
		for _, text := range l.from {
			if text, err = iospec.FillIn(text, row.values, false); err != nil {
				return nil, err
			}
			*l.to = append(*l.to, text)
		}
	}
	w.message, err = pyfmt.Format(opt.Message, func(name string) (any, error) {
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

// scheduling prepares what schedules one row of a batch.
func (sw *sweep) scheduling(row sweepRow, b *sweepBatch) (*scheduling, error) {
	if len(sw.base.memo()) > maxMemo {
		clear(sw.base.links)
	}
	w, err := sw.work(row)
	if err != nil {
		return nil, err
	}
	c := &scheduling{d: sw.d, s: sw.s, w: w, opt: sw.opt.ScheduleOptions, sink: lockedSink{sw}, sweep: b}
	c.prov.Sweep = &sweepInfo{Row: row.number, Values: row.values}
	return c, nil
}

// maxMemo bounds how many names are remembered of a table's paths.
const maxMemo = 20_000

// claimOf is an output of a row.
type claimOf struct {
	path string
	row  int
}

// check reads the whole table and refuses it where a row cannot be meant.
func (sw *sweep) check(ctx context.Context) error {
	if strings.TrimSpace(sw.opt.Cmd) == "" {
		return errors.New("No command given") //nolint:staticcheck // DataLad's text
	}
	b, err := sw.newBatch(ctx)
	if err != nil {
		return err
	}
	subst := substitutions(sw.d)
	var claims []claimOf
	for {
		row, err := sw.table.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		list, err := sw.checkRow(ctx, row, b, subst)
		if err != nil {
			return sw.explain(row, err)
		}
		for _, p := range list {
			claims = append(claims, claimOf{p, row.number})
		}
	}
	if sw.table.row == 0 {
		return errs.WithHint(sw.table.fail(0, errors.New("it has no rows")), "each line below the header is one job")
	}
	sw.progress = SweepProgress{Checked: true, Rows: sw.table.row}
	if sw.opt.NoCheck {
		return nil
	}
	return sw.overlaps(claims)
}

// checkRow returns the claims of a row. The first row stands for all where the
// command and its placeholders are concerned.
func (sw *sweep) checkRow(ctx context.Context, row sweepRow, b *sweepBatch, subst map[string]string) ([]string, error) {
	c, err := sw.scheduling(row, b)
	if err != nil {
		return nil, err
	}
	if row.number == 1 {
		err = c.plan(ctx)
		return c.out.Claims, err
	}
	if err := c.w.fillSpecs(subst); err != nil {
		return nil, err
	}
	c.out, err = c.w.claimOutputs(sw.d, b.index)
	return c.out.Claims, err
}

// explain says in which row an error was found, and which columns there are.
func (sw *sweep) explain(row sweepRow, err error) error {
	hint := errs.Hint(err)
	var unknown *iospec.PlaceholderError
	var key *pyfmt.KeyError
	if errors.As(err, &unknown) && errors.As(err, &key) {
		hint = "the columns of the table are " + strings.Join(sw.table.columns, ", ")
	}
	err = sw.table.fail(row.number, err)
	if hint == "" {
		return err
	}
	return errs.WithHint(err, "%s", hint)
}

// overlaps returns an error if two rows have outputs that are equal, or lie in
// one another.
func (sw *sweep) overlaps(claims []claimOf) error {
	// With the slash as the least character, all that lies in a folder follows it.
	slices.SortFunc(claims, func(a, b claimOf) int {
		if n := comparePaths(a.path, b.path); n != 0 {
			return n
		}
		return a.row - b.row
	})
	var first *claimOf
	var other claimOf
	count := 0
	for i := 1; i < len(claims); i++ {
		up, c := claims[i-1], claims[i]
		if up.row == c.row || !within(c.path, up.path) {
			continue
		}
		if count++; first == nil || c.row < first.row {
			first, other = &claims[i], up
		}
	}
	if first == nil {
		return nil
	}
	err := fmt.Errorf("output %s is claimed by row %d", first.path, other.row)
	if first.path != other.path {
		err = fmt.Errorf("output %s conflicts with %s of row %d", first.path, other.path, other.row)
	}
	if count > 1 {
		err = fmt.Errorf("%w; %d more rows have such conflicts", err, count-1)
	}
	return errs.WithHint(sw.table.fail(first.row, err), "put a column or {%s} into the outputs, as in -o 'out/{%s}'", rowColumn, sw.table.columns[0])
}

// comparePaths sorts "a", "a/b", "a.b", unlike strings.Compare.
func comparePaths(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == b[i]:
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		default:
			return int(a[i]) - int(b[i])
		}
	}
	return len(a) - len(b)
}

// dryRun shows each row.
func (sw *sweep) dryRun(ctx context.Context) error {
	b, err := sw.newBatch(ctx)
	if err == nil {
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
		var c *scheduling
		if c, err = sw.scheduling(row, b); err == nil {
			err = c.plan(ctx)
		}
		if err != nil {
			err = sw.explain(row, err)
			break
		}
		if err := sw.sink.Emit(c.dryRun().With("sweep_row", row.number)); err != nil {
			return err
		}
	}
	return impossible(sw.d, ActionSchedule, err)
}

// newBatch reads what the next rows are scheduled on.
func (sw *sweep) newBatch(ctx context.Context) (*sweepBatch, error) {
	head, index, err := startingPoint(ctx, sw.d)
	id := &identifier{top: sw.base.top, format: sw.d.Repo.Format, index: index, known: sw.known, once: map[string]identified{}}
	return &sweepBatch{sw: sw, head: head, index: index, id: id}, err
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
