package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/sched"
)

type finishOptions struct {
	jobID, dataset, message             string
	outputs                             []string
	explicit, closeFailed, commitFailed bool
	list, branches, octopus, here       bool
	watch                               bool
	jobs                                parallel
	scheduler                           schedulerOption
}

func newFinish(a *app) *cobra.Command {
	var o finishOptions
	cmd := &cobra.Command{
		Use:     "finish [OPTIONS] [JOB-ID]",
		Aliases: []string{"slurm-finish"},
		Short:   "Commit the results of completed jobs",
		Long: "Commits the outputs of completed jobs with a record of how they were made: all\n" +
			"open jobs, or JOB-ID. Jobs that are not over, or that failed, stay open. A\n" +
			"declared output that is missing is an error. Commits run no hooks of git. A job\n" +
			"is committed after those that made its inputs, and the tasks of an array whose\n" +
			"outputs hold {task} one by one, while others run.\n\n" +
			"With --watch, jobs are committed as they complete, until none is under way; the\n" +
			"exit code is 0 if no job failed. Slurm is asked once a round, every 40\n" +
			"to 180 seconds.",
		Example: "  stemma finish\n  stemma finish --watch\n  stemma finish --close-failed-jobs 1",
		GroupID: groupJobs,
		Args:    atMost(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.finish(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.jobID, "slurm-job-id", "", "only this job (`ID`)")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` before the one given to schedule")
	f.BoolVar(&o.closeFailed, "close-failed-jobs", false, "close failed and cancelled jobs without a commit")
	f.BoolVar(&o.commitFailed, "commit-failed-jobs", false, "commit what failed jobs left, and close them")
	f.BoolVarP(&o.watch, "watch", "w", false, "commit jobs as they complete, until none is under way")
	f.BoolVar(&o.list, "list-open-jobs", false, "list open jobs and their states, and do nothing")
	f.BoolVar(&o.branches, "branches", false, "commit each job on a branch of its own")
	f.BoolVar(&o.octopus, "octopus", false, "commit all jobs side by side, joined by one merge")
	f.BoolVar(&o.here, "here", false, "commit to the present branch also jobs scheduled on another")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	o.scheduler.flags(f)
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "accepted and ignored: `PATH`s are those given to schedule")
	f.BoolVar(&o.explicit, "explicit", false, "accepted and ignored: only declared outputs are ever committed")
	f.Lookup("output").Hidden, f.Lookup("explicit").Hidden = true, true
	return cmd
}

func (a *app) finish(ctx context.Context, o finishOptions, args []string) error {
	id, err := jobArgument(o.jobID, args)
	if err != nil {
		return err
	}
	if o.branches && o.octopus {
		return errs.WithExit(errors.New("finish: --branches and --octopus exclude each other"), errs.ExitUsage)
	}
	d, err := a.open(ctx, o.dataset, "finish a job")
	if err != nil {
		return err
	}
	s, err := a.scheduler(o.scheduler)
	if err != nil {
		return err
	}
	if o.list {
		return a.listOpenJobs(ctx, d, s)
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	opt := finish.Options{
		JobID: id, Message: o.message, CloseFailed: o.closeFailed, CommitFailed: o.commitFailed,
		Branches: o.branches, Octopus: o.octopus, Here: o.here, Jobs: int(o.jobs), Many: a.spareMemory,
	}
	if !o.watch {
		return finish.Run(ctx, d, s, opt, sink)
	}
	line := a.progress()
	defer line.clear()
	return finish.Watch(ctx, d, s, finish.WatchOptions{
		Options: opt, Progress: func(p finish.WatchProgress) { line.show(watchText(p)) },
	}, line.sink(sink))
}

// fewerSpares is how much memory may wait to be used again, in per cent of what
// is in use.
const fewerSpares = 25

// spareMemory is for a command that may hold the records of ten thousand jobs
// while git works for a minute, on a login node where others work, too. The
// user's own setting (GOGC) counts.
func (a *app) spareMemory() {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(fewerSpares)
	}
}

// moreSpares is for a command that is over before unused memory matters.
const moreSpares = 400

// spareTime is for a command that somebody waits for and that holds little.
func (a *app) spareTime() {
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(moreSpares)
	}
}

// watchText tells what a look at the jobs has found.
func watchText(p finish.WatchProgress) string {
	var live []string
	for _, state := range slices.Sorted(maps.Keys(p.Live)) {
		live = append(live, fmt.Sprintf("%d %s", p.Live[state], strings.ToLower(string(state))))
	}
	text := fmt.Sprintf("%d open", p.Open())
	if len(live) > 0 {
		text += " (" + strings.Join(live, ", ") + ")"
	}
	text += fmt.Sprintf(", %d finished", p.Committed)
	if p.Left > 0 {
		text += fmt.Sprintf(", %d not complete", p.Left)
	}
	if p.Pause > 0 {
		text += fmt.Sprintf("; next look in %d s", int(p.Pause.Seconds()))
	}
	return text
}

// jobArgument takes a job's id from where it was given.
func jobArgument(option string, args []string) (string, error) {
	if len(args) == 0 {
		return option, nil
	}
	if option != "" && option != args[0] {
		return "", &misuse{errs.WithExit(errors.New("two different jobs are named"), errs.ExitUsage)}
	}
	return args[0], nil
}

// listOpenJobs prints the two columns that scripts for datalad-slurm read.
func (a *app) listOpenJobs(ctx context.Context, d *dataset.Dataset, s sched.Scheduler) error {
	rows, err := jobs.List(ctx, d, s, jobs.ListOptions{})
	if err != nil {
		return err
	}
	_, err = io.WriteString(a.stdout, jobs.ListOpenJobs(rows))
	return err
}
