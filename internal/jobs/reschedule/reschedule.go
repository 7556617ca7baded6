// Package reschedule submits jobs again: those that commits record, and the failed
// tasks of arrays. It reads records; what follows is the business of package
// schedule.
package reschedule

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobspec"
	"github.com/stemma-data/stemma/internal/jobs/killpoint"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
	"github.com/stemma-data/stemma/internal/stage"
)

// Options are the options of reschedule.
type Options struct {
	Revision    string  // "" for the tip
	Since       *string // nil: the one revision; "": all its ancestors; else those after this one
	Message     string  // "" for the recorded one
	WithFailed  bool    // jobs that were committed as failed, too
	FailedTasks bool    // only the failed tasks of arrays; Revision may be the id of an open array, and "" means all of those
	AssumeReady string  // as for schedule
	AltDir      string
	Isolated    string
	Anonymous   bool
	NoCheck     bool

	NoAutoDependency bool // as for schedule

	Jobs       int
	Report     bool      // records about the commits instead of submissions
	Script     io.Writer // where a shell script goes instead of submissions
	ScriptLine string    // how the command was called, for the script's head

	Stdin  io.Reader
	Stderr io.Writer

	step killpoint.Steps // tests
}

// Action is the action of the records that this package reports, as in
// the Slurm extension of DataLad.
const Action = "slurm-reschedule"

// Run submits jobs again that commits record, from the present state of
// the work tree. Each new job's chain names the commit that it repeats.
func Run(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) error {
	if opt.FailedTasks {
		return rescheduleFailed(ctx, d, s, opt, sink)
	}
	list, err := recorded(ctx, d, opt)
	if err != nil {
		return schedule.Impossible(d, Action, err)
	}
	switch {
	case opt.Report:
		for _, c := range list {
			if err := sink.Emit(c.report(d)); err != nil {
				return err
			}
		}
		return nil
	case opt.Script != nil:
		return writeScript(d, list, opt)
	}
	for _, c := range joinTasks(list) {
		if err := c.again(ctx, d, s, opt, sink); err != nil {
			return err
		}
	}
	return nil
}

// again submits one recorded job.
func (c past) again(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) error {
	pwd := filepath.FromSlash(c.rec.Pwd)
	if !filepath.IsLocal(pwd) {
		return schedule.Impossible(d, schedule.Action, fmt.Errorf("%.7s: its folder %s is outside the dataset", c.id, c.rec.Pwd))
	}
	if err := stage.MakeBelow(d.Path(), pwd); err != nil {
		return schedule.Impossible(d, schedule.Action, err)
	}
	w, err := jobspec.New(d, filepath.Join(d.Path(), pwd))
	if err != nil {
		return schedule.Impossible(d, schedule.Action, err)
	}
	w.Cmd, w.Message = c.rec.Cmd, c.message(opt.Message)
	w.Inputs, w.Extra, w.Container = c.rec.Inputs, c.rec.ExtraInputs, jobrec.ContainerOf(c.rec)
	w.Chain = append(append([]string{}, c.rec.Chain...), c.chain...)
	if len(c.tasks) > 0 {
		w.Redo = &jobrec.Redo{Array: jobrec.TaskList(c.tasks)}
	}
	if w.Outputs, err = relativeOutputs(c.rec.Pwd, c.declared()); err != nil {
		return schedule.Impossible(d, schedule.Action, fmt.Errorf("%.7s: %w", c.id, err))
	}
	return schedule.Perform(ctx, d, s, w, opt.schedule(), sink)
}

// schedule are the options of the submissions.
func (opt Options) schedule() schedule.Options {
	return schedule.Options{
		AssumeReady: opt.AssumeReady, AltDir: opt.AltDir, Isolated: opt.Isolated, Anonymous: opt.Anonymous, NoCheck: opt.NoCheck,
		NoAutoDependency: opt.NoAutoDependency, Jobs: opt.Jobs, Stdin: opt.Stdin, Stderr: opt.Stderr, Step: opt.step,
	}
}
