package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

type scheduleOptions struct {
	dataset, message, altDir     string
	inputs, outputs              []string
	expand, ready, check, dryRun choice
	anonymous                    bool
	jobs                         parallel
	scheduler                    schedulerOption
}

func newSchedule(a *app) *cobra.Command {
	o := scheduleOptions{
		expand: newChoice("", "inputs", "outputs", "both"), ready: newChoice("", "inputs", "outputs", "both"),
		check: newChoice("yes", "yes", "no"), dryRun: newChoice("", "basic", "command"),
	}
	cmd := &cobra.Command{
		Use:     "schedule [OPTIONS] -o OUTPUT [-o OUTPUT ...] COMMAND ...",
		Aliases: []string{"slurm-schedule"},
		Short:   "Submit a batch job and remember what it will write",
		Long: "Makes the inputs available, claims the outputs, and runs COMMAND, which submits\n" +
			"the job: `sbatch` with all its options. `finish` commits the results later.\n" +
			"Without Slurm, a scheduler for this machine takes the same sbatch lines.",
		Example:     "  stemma schedule -i data/in.csv -o results sbatch job.sh\n  stemma schedule -o out.bin sbatch --time=10 --wrap 'make out.bin'",
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
	f.BoolVar(&o.anonymous, "anonymous", false, "leave hosts, accounts and absolute paths out of the record")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
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
	d, err := a.open(ctx, o.dataset, "schedule a job")
	if err != nil {
		return err
	}
	s, err := a.scheduler(o.scheduler)
	if err != nil {
		return err
	}
	sink, err := a.report(render.Stop, &render.Tailored{Line: func(r result.Record) (string, bool) {
		return dryRunText(r, o.dryRun.value)
	}})
	if err != nil {
		return err
	}
	opt := jobs.ScheduleOptions{
		Inputs: o.inputs, Outputs: o.outputs, Message: o.message, Expand: o.expand.value, AssumeReady: o.ready.value,
		NoCheck: o.check.value == "no", DryRun: o.dryRun.value, AltDir: o.altDir, Anonymous: o.anonymous,
		Jobs: int(o.jobs), Stdin: a.stdin, Stderr: a.stderr,
	}
	if len(line) > 0 {
		opt.Cmd = runrec.NormalizeCommand(line)
	}
	return jobs.Schedule(ctx, d, s, opt, sink)
}
