package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
)

type diffOptions struct {
	dataset, from, to string
	annex, untracked  choice
	recursion         recursion
}

func newDiff(a *app) *cobra.Command {
	o := diffOptions{
		annex: newChoice("", "basic", "availability", "all"), untracked: newChoice("normal", "no", "normal", "all"),
	}
	cmd := &cobra.Command{
		Use:   "diff [OPTIONS] [PATH ...]",
		Short: "Show what differs between two states of the dataset",
		Long: "Lists files and subdatasets that differ between two commits, or between a commit\n" +
			"and the work tree. Subdatasets are compared at the commits that both states\n" +
			"record of them.",
		Example: "  stemma diff --from v1\n  stemma diff -r --from HEAD~1 --to HEAD results/",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.diff(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.from, "from", "f", "HEAD", "`REVISION` to compare from")
	f.StringVarP(&o.to, "to", "t", "", "`REVISION` to compare to (default: the work tree)")
	f.Var(&o.annex, "annex", "tell about annexed files, `LEVEL` basic (default), availability, or all")
	f.Var(&o.untracked, "untracked", "untracked files: `MODE` no, normal (folders as one), or all")
	o.recursion.flags(f)
	optionalValue(f, "annex", "basic")
	return cmd
}

func (a *app) diff(ctx context.Context, o diffOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "report difference")
	if err != nil {
		return err
	}
	levels, err := o.recursion.levels()
	if err != nil {
		return err
	}
	_, sink, err := a.statusReport(d, "diff", o.dataset)
	if err != nil {
		return err
	}
	return d.Diff(ctx, dataset.DiffOptions{
		From: o.from, To: o.to, Paths: args, Untracked: o.untracked.value, Annex: o.annex.value,
		Clean: !a.human(), Levels: levels,
	}, sink)
}
