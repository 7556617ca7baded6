package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/run"
)

type runOptions struct {
	dataset, message               string
	inputs, outputs                []string
	expand, ready, sidecar, dryRun choice
	explicit                       bool
	jobs                           parallel
}

func newRun(a *app) *cobra.Command {
	o := newRunOptions()
	cmd := &cobra.Command{
		Use:   "run [OPTIONS] COMMAND ...",
		Short: "Run a command and record what it changed",
		Long: "Makes the inputs available, unlocks the outputs, runs COMMAND in a shell, and\n" +
			"commits what it changed with a record that `rerun` can execute again. One\n" +
			"argument is a line of shell; several are words, each quoted. Placeholders:\n" +
			"{inputs}, {outputs}, {pwd}, {dspath}, {tmpdir}; {{ and }} are literal braces.",
		Example:     "  stemma run -i raw.csv -o clean.csv './clean.py {inputs} > {outputs}'",
		GroupID:     groupRuns,
		Annotations: map[string]string{remainder: "yes"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.run(cmd.Context(), o, command(cmd, args)) },
	}
	o.flags(cmd.Flags())
	return cmd
}

// newRunOptions are the defaults.
func newRunOptions() runOptions {
	return runOptions{
		expand: newChoice("", "inputs", "outputs", "both"), ready: newChoice("", "inputs", "outputs", "both"),
		sidecar: newChoice("", "yes", "no"), dryRun: newChoice("", "basic", "command"),
	}
}

func (o *runOptions) flags(f flagSet) {
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringArrayVarP(&o.inputs, "input", "i", nil, "`PATH` or pattern that the command reads; repeatable")
	f.StringArrayVarP(&o.outputs, "output", "o", nil, "`PATH` or pattern that the command writes; repeatable")
	f.Var(&o.expand, "expand", "record patterns as the paths they match: `WHICH` inputs, outputs, or both")
	f.Var(&o.ready, "assume-ready", "do not prepare `WHICH` inputs, outputs, or both")
	f.BoolVar(&o.explicit, "explicit", false, "save the outputs only, and look at nothing else; the dataset may be dirty")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` of the commit")
	f.Var(&o.sidecar, "sidecar", "`yes|no`: keep the record in a file instead of the commit message")
	f.Var(&o.dryRun, "dry-run", "show what would be done, `MODE` basic or command, and do nothing")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
}

// runOpts are the options of package run, for a command line.
func (a *app) runOpts(o runOptions, line []string) run.Options {
	opt := run.Options{
		Command: line, Inputs: o.inputs, Outputs: o.outputs, Expand: run.Which(o.expand.value), AssumeReady: run.Which(o.ready.value),
		Explicit: o.explicit, Message: o.message, DryRun: o.dryRun.value, Jobs: int(o.jobs), KeepGoing: a.keepGoing(),
		Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr, Terminal: hasTerminal(),
	}
	if o.sidecar.value != "" {
		yes := o.sidecar.value == "yes"
		opt.Sidecar = &yes
	}
	return opt
}

func (a *app) run(ctx context.Context, o runOptions, line []string) error {
	d, err := a.open(ctx, o.dataset, "track command outcomes")
	if err != nil {
		return err
	}
	sink, err := a.report(render.Stop, &render.Tailored{Line: func(r result.Record) (string, bool) {
		return dryRunText(r, o.dryRun.value)
	}})
	if err != nil {
		return err
	}
	return run.Run(ctx, d, a.runOpts(o, line), sink)
}

// keepGoing says that a command that fails is recorded like any other.
func (a *app) keepGoing() bool {
	p := a.global.onFailure.value
	return p == "ignore" || p == "continue"
}
