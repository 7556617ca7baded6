package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/run"
)

type rerunOptions struct {
	dataset, message, script string
	since, branch, onto      optionalText
	report, explicit         bool
	ready                    choice
	jobs                     parallel
}

func newRerun(a *app) *cobra.Command {
	o := rerunOptions{ready: newChoice("", "inputs", "outputs", "both")}
	cmd := &cobra.Command{
		Use:   "rerun [OPTIONS] [REVISION]",
		Short: "Execute recorded commands again",
		Long: "Executes again the command that the commit REVISION records (default: the last\n" +
			"commit) and commits what it changes.",
		Example: "  stemma rerun\n  stemma rerun --since=v1 --onto= --branch=verify",
		GroupID: groupRuns,
		Args:    atMost(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.rerun(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.Var(&o.since, "since", "all commands after `COMMIT`; blank: all that led to REVISION")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.VarP(&o.branch, "branch", "b", "work on a new branch `NAME`")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` instead of the recorded ones")
	f.Var(&o.onto, "onto", "start at commit `BASE`; blank: before the first command")
	f.StringVar(&o.script, "script", "", "write the commands to `FILE` (- for standard output) instead")
	f.BoolVar(&o.report, "report", false, "show what would be done, and do nothing")
	f.Var(&o.ready, "assume-ready", "do not prepare `WHICH` inputs, outputs, or both")
	f.BoolVar(&o.explicit, "explicit", false, "save the recorded outputs only; the dataset may be dirty")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	return cmd
}

func (a *app) rerun(ctx context.Context, o rerunOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "rerun a command")
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	opt := run.RerunOptions{
		Since: o.since.value, Branch: o.branch.value, Onto: o.onto.value, Message: o.message, Script: o.script, Report: o.report,
		AssumeReady: run.Which(o.ready.value), Explicit: o.explicit, Jobs: int(o.jobs), KeepGoing: a.keepGoing(),
		Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr, Terminal: hasTerminal(),
	}
	if len(args) > 0 {
		opt.Revision = &args[0]
	}
	return run.Rerun(ctx, d, opt, sink)
}
