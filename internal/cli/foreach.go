package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type foreachOptions struct {
	dataset            string
	kind, state        choice
	contains           []string
	bottomUp, subsOnly bool
	streams            choice
	chpwd, safe        choice
	recursion          recursion
	jobs               parallel
}

func newForeach(a *app) *cobra.Command {
	o := foreachOptions{
		kind: newChoice("auto", "auto", "external", "exec", "eval"), state: newChoice("present", "present", "absent", "any"),
		streams: newChoice("pass-through", "capture", "pass-through", "relpath"), chpwd: newChoice("ds", "ds", "pwd"),
		safe: newChoice("auto", "auto", "all-subds-done", "superds-done", "always"), jobs: 1,
	}
	cmd := &cobra.Command{
		Use:   "foreach-dataset [OPTIONS] COMMAND ...",
		Short: "Run a command in the dataset and its subdatasets",
		Long: "Runs COMMAND in the dataset and in each subdataset. One argument is a line of\n" +
			"shell; several are words, each quoted. Placeholders: {pwd}, {ds}, {dspath},\n" +
			"{refds}, {tmpdir}; {{ and }} are literal braces.",
		Example:     "  stemma foreach-dataset -r git status --short\n  stemma foreach-dataset -r -J 4 --o-s relpath 'du -sh .'",
		GroupID:     groupData,
		Annotations: map[string]string{remainder: "yes"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.foreach(cmd.Context(), o, command(cmd, args)) },
	}
	f := cmd.Flags()
	f.Var(&o.kind, "cmd-type", "`TYPE` of the command: auto or external; Python code (exec, eval) is refused")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.Var(&o.state, "state", "subdatasets in `STATE` present (default), absent, or any")
	o.recursion.flags(f)
	f.StringArrayVar(&o.contains, "contains", nil, "only subdatasets that hold `PATH`; repeatable")
	f.BoolVar(&o.bottomUp, "bottomup", false, "a subdataset before the one that holds it")
	f.BoolVarP(&o.subsOnly, "subdatasets-only", "s", false, "not in the dataset itself")
	f.Var(&o.streams, "output-streams", "what becomes of the output: `MODE` pass-through, capture (in the record), or relpath (each line after the dataset's path)")
	f.Var(&o.streams, "o-s", "short for --output-streams `MODE`")
	f.Var(&o.chpwd, "chpwd", "where commands run: `PLACE` ds (in each dataset) or pwd (in the present folder)")
	f.Var(&o.safe, "safe-to-consume", "what a command waits for with -J: `WHAT` auto, all-subds-done, superds-done, or always")
	f.VarP(&o.jobs, "jobs", "J", "at most `N` commands at once, or auto")
	return cmd
}

func (a *app) foreach(ctx context.Context, o foreachOptions, line []string) error {
	switch {
	case len(line) == 0 || len(line) == 1 && line[0] == "--":
		return &misuse{errs.WithExit(errors.New("No command given"), errs.ExitUsage)}
	case o.kind.value == "exec" || o.kind.value == "eval":
		return errs.WithHint(fmt.Errorf("foreach-dataset: --cmd-type %s runs Python code, which this program cannot do", o.kind.value), "call python in the command: python3 -c CODE")
	}
	d, err := a.open(ctx, o.dataset, "foreach-dataset execution")
	if err != nil {
		return err
	}
	opt := dataset.ForEachOptions{
		Command: line, SubsOnly: o.subsOnly, Capture: o.streams.value != "pass-through", InPwd: o.chpwd.value == "pwd",
		Jobs: o.count(), Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
		Select: dataset.SubdatasetsOptions{Contains: a.allAbs(o.contains), BottomUp: o.bottomUp},
	}
	if o.state.value != "any" {
		opt.Select.State = o.state.value
	}
	if opt.Select.Levels, err = o.recursion.subLevels(); err != nil {
		return err
	}
	opt.Order = map[string]dataset.ForEachOrder{"all-subds-done": dataset.OrderSubsFirst, "superds-done": dataset.OrderSuperFirst,
		"always": dataset.OrderNone}[o.safe.value]
	var tailored render.Tailored
	if o.streams.value == "relpath" {
		folder := a.cwd
		if o.dataset != "" {
			folder = d.Path()
		}
		tailored.Line = func(r result.Record) (string, bool) { return a.withPath(r, folder) }
	}
	sink, err := a.report(render.Continue, &tailored)
	if err != nil {
		return err
	}
	return d.ForEach(ctx, opt, sink)
}

const defaultJobs = 4

func (o *foreachOptions) count() int {
	if o.jobs == 0 {
		return defaultJobs
	}
	return int(o.jobs)
}

// withPath shows the captured output, each line after the dataset's path.
func (a *app) withPath(r result.Record, folder string) (string, bool) {
	if r.Status != result.OK {
		return "", false
	}
	prefix := dataset.RelativeTo(r.Path, folder)
	mark := func(text string) string {
		var b strings.Builder
		for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			b.WriteString(prefix + l + "\n")
		}
		return b.String()
	}
	if e := r.String("stderr"); e != "" {
		io.WriteString(a.stderr, mark(e))
	}
	if o := r.String("stdout"); o != "" {
		return strings.TrimSuffix(mark(o), "\n"), true
	}
	return "", true
}
