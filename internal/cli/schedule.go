package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/sweep"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
	"github.com/stemma-data/stemma/internal/sched"
)

type scheduleOptions struct {
	dataset, message, altDir     string
	isolated                     string
	inputs, outputs              []string
	expand, ready, check, dryRun choice
	sweep                        string
	sweepFormat                  choice
	anonymous, autoFinish        bool
	noAutoDependency             bool
	jobs                         parallel
	scheduler                    schedulerOption
	container                    string
}

func newSchedule(a *app) *cobra.Command {
	o := scheduleOptions{
		expand: newChoice("", "inputs", "outputs", "both"), ready: newChoice("", "inputs", "outputs", "both"),
		check: newChoice("yes", "yes", "no"), dryRun: newChoice("", "basic", "command"),
		sweepFormat: newChoice("", sweep.FormatCSV, sweep.FormatTSV),
	}
	cmd := &cobra.Command{
		Use:     "schedule [OPTIONS] -o OUTPUT [-o OUTPUT ...] COMMAND ...",
		Aliases: []string{"slurm-schedule"},
		Short:   "Submit a batch job and remember what it will write",
		Long: "Makes the inputs available, claims the outputs, and runs COMMAND, which submits\n" +
			"the job: `sbatch` with all its options. `finish` commits the results later.\n" +
			"Without Slurm, a scheduler for this machine takes the same sbatch lines.\n\n" +
			"An input that an open job will write need not exist yet: a completed job is\n" +
			"finished first; for one that is still to run, --dependency=afterok:ID is added\n" +
			"to a plain sbatch line, and joined with the dependencies that it has already.\n" +
			"In the outputs of an array, {task} stands for the number of the task, {task:03}\n" +
			"for at least three digits; each task is then committed as soon as it completes.\n\n" +
			"With --isolated DIR the job runs in a folder of its own below DIR, which holds the\n" +
			"declared inputs, and the job script, as the commit has them that it is scheduled\n" +
			"on; what happens to the work tree later does not reach it. Isolated jobs may\n" +
			"write the same outputs: each is brought back and committed in turn, and the work\n" +
			"tree is left with the last one's. Files that jobs in DIR have in common are kept\n" +
			"once where that is safe (see `stage`). The job must not write to its inputs,\n" +
			"unless they are outputs, too.\n\n" +
			"With --sweep, each row of a table is one job. Its first line names the columns,\n" +
			"which are placeholders in COMMAND, inputs, outputs and message; {row} is the\n" +
			"number of the row. The whole table is checked before anything is submitted.\n" +
			"A row that fails is reported and stops no other (see the global option\n" +
			"--on-failure); the same command again schedules what is missing.",
		Example: "  stemma schedule -i data/in.csv -o results sbatch job.sh\n  stemma schedule -o out.bin sbatch --time=10 --wrap 'make out.bin'\n" +
			"  stemma schedule -o 'out/{task}.txt' sbatch --array=0-9 job.sh\n" +
			"  stemma schedule --isolated ../scratch -i data -o out.csv sbatch job.sh\n" +
			"  stemma schedule --sweep runs.csv -o 'out/{rate}.txt' sbatch job.sh '{rate}' '{seed}'",
		GroupID:     groupJobs,
		Annotations: map[string]string{remainder: "yes"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.schedule(cmd.Context(), o, command(cmd, args)) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringArrayVarP(&o.inputs, "input", "i", nil, "`PATH` or pattern that the job reads; repeatable")
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "`PATH` that the job writes; repeatable, at least one")
	f.Var(&o.expand, "expand", "record patterns as the paths they match: `WHICH` inputs, outputs, or both")
	f.Var(&o.ready, "assume-ready", "do not prepare `WHICH` inputs, outputs, or both")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` for the commit of the results")
	f.Var(&o.check, "check-outputs", "`yes|no`: refuse outputs that another open job claims")
	f.Var(&o.dryRun, "dry-run", "show what would be done, `MODE` basic or command, and do nothing")
	f.StringVarP(&o.altDir, "alt-dir", "a", "", "copy the inputs below `PATH` and run the job there")
	f.StringVar(&o.isolated, "isolated", "", "run the job in a folder of its own below `DIR`, with its inputs as they are committed")
	f.BoolVar(&o.anonymous, "anonymous", false, "leave hosts, accounts and absolute paths out of the record")
	f.BoolVar(&o.noAutoDependency, "no-auto-dependency", false, "refuse inputs that an open job will write, instead of waiting for it")
	f.StringVar(&o.sweep, "sweep", "", "one job for each row of `TABLE` (.csv, .tsv)")
	f.Var(&o.sweepFormat, "sweep-format", "`FORMAT` of the table, csv or tsv, where its name does not tell")
	f.BoolVar(&o.autoFinish, "auto-finish", false, "submit a small job, too, that finishes this one when it is over; its sbatch options: stemma.autofinish.options")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp+"; with --sweep, also submissions at once, otherwise 4")
	f.StringVarP(&o.container, "container-name", "n", "", "run what follows --wrap in container `NAME` of the dataset")
	o.scheduler.flags(f)
	return cmd
}

// command returns the command line that follows the options, with a leading
// "--" as it was typed: what follows it is quoted word by word.
func command(cmd *cobra.Command, args []string) []string {
	if cmd.ArgsLenAtDash() == 0 {
		return append([]string{"--"}, args...)
	}
	return args
}

func (a *app) schedule(ctx context.Context, o scheduleOptions, line []string) error {
	if err := onePlace(o.altDir, o.isolated); err != nil {
		return err
	}
	d, err := a.open(ctx, o.dataset, "schedule a job")
	if err != nil {
		return err
	}
	s, err := a.scheduler(o.scheduler)
	if err != nil {
		return err
	}
	policy, summary := render.Stop, render.SummaryNever
	if o.sweep != "" {
		policy, summary = render.Continue, render.SummaryAuto
	}
	sink, err := a.report(policy, &render.Tailored{Line: func(r result.Record) (string, bool) {
		return dryRunText(r, o.dryRun.value)
	}, Summary: summary})
	if err != nil {
		return err
	}
	opt := schedule.Options{
		Inputs: o.inputs, Outputs: o.outputs, Message: o.message, Expand: o.expand.value, AssumeReady: o.ready.value,
		NoCheck: o.check.value == "no", NoAutoDependency: o.noAutoDependency, DryRun: o.dryRun.value, AltDir: o.altDir, Isolated: o.isolated, Anonymous: o.anonymous,
		Jobs: int(o.jobs), Stdin: a.stdin, Stderr: a.stderr,
	}
	if o.container != "" {
		if line, err = a.wrapInContainer(ctx, d, o.container, line, &opt); err != nil {
			return err
		}
	}
	if len(line) > 0 {
		opt.Cmd = runrec.NormalizeCommand(line)
	}
	if o.autoFinish {
		if opt.AutoFinish, err = os.Executable(); err != nil {
			return fmt.Errorf("--auto-finish: %w", err)
		}
	}
	if o.sweep == "" {
		return schedule.Run(ctx, d, s, opt, sink)
	}
	return a.sweep(ctx, d, s, o, opt, sink)
}

// onePlace refuses two places for one job.
func onePlace(altDir, isolated string) error {
	if altDir == "" || isolated == "" {
		return nil
	}
	return errs.WithExit(errors.New("--isolated and --alt-dir exclude each other"), errs.ExitUsage)
}

// sweep schedules the rows of a table.
func (a *app) sweep(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, o scheduleOptions, opt schedule.Options, sink result.Sink) error {
	line := a.progress()
	defer line.clear()
	opt.Stderr = line.above(a.stderr)
	return sweep.Run(ctx, d, s, sweep.Options{
		Options: opt, Table: o.sweep, Format: o.sweepFormat.value,
		Progress: func(p sweep.Progress) {
			line.show(fmt.Sprintf("scheduled %d of %d jobs, %d failed", p.Done, p.Rows, p.Failed))
		},
	}, line.sink(sink))
}
