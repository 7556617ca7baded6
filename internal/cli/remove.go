package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/discard"
	"github.com/stemma-data/stemma/internal/render"
)

type removeOptions struct {
	dataset, message, ifDirty string
	drop, reckless            choice
	noCheck, noSave           bool
	recursive                 bool
	jobs                      parallel
}

func newRemove(a *app) *cobra.Command {
	o := removeOptions{
		drop:     newChoice(discard.Datasets, discard.Datasets, discard.All),
		reckless: newChoice("", "modification", "availability", "undead", "kill"),
	}
	cmd := &cobra.Command{
		Use:   "remove [OPTIONS] [PATH ...]",
		Short: "Remove files and subdatasets from a dataset",
		Long: "Deletes files and subdatasets and commits that. What subdatasets have must be\n" +
			"elsewhere, too. Without PATH the dataset itself is uninstalled.",
		Example: "  stemma remove old/results\n  stemma remove -d . inputs/raw -m 'no longer needed'",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.remove(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.Var(&o.drop, "drop", "what is dropped before: `WHAT` datasets, or all (content of files, too)")
	f.Var(&o.reckless, "reckless", "leave out a check: `CHECK` modification, availability, undead, or kill (all of them)")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` of the commit")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	f.BoolVarP(&o.recursive, "recursive", "r", false, "no effect: removal is always recursive")
	f.BoolVar(&o.noCheck, "nocheck", false, "the same as --reckless availability")
	f.BoolVar(&o.noSave, "nosave", false, "accepted and ignored")
	f.StringVar(&o.ifDirty, "if-dirty", "", "accepted and ignored (`MODE`)")
	for _, name := range []string{"recursive", "nocheck", "nosave", "if-dirty"} {
		f.Lookup(name).Hidden = true
	}
	return cmd
}

func (a *app) remove(ctx context.Context, o removeOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "remove")
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	opt := discard.RemoveOptions{Paths: args, What: o.drop.value, Reckless: o.reckless.value, Message: o.message, Jobs: int(o.jobs), FromTop: o.dataset != ""}
	if o.noCheck {
		opt.Reckless = discard.Availability
	}
	return discard.Remove(ctx, d, opt, sink)
}
