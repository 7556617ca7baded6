package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/update"
)

type updateOptions struct {
	dataset, sibling, message string
	how, howSubs, merge       choice
	follow                    choice
	recursion                 recursion
	fetchAll, reobtain        bool
}

func newUpdate(a *app) *cobra.Command {
	o := updateOptions{
		how: newHow(), howSubs: newHow(), merge: newChoice("", "any", "ff-only", "true", "false"),
		follow: newChoice(update.FollowSibling, update.FollowSibling, update.FollowParent, update.FollowParentLazy),
	}
	cmd := &cobra.Command{
		Use:   "update [OPTIONS] [PATH ...]",
		Short: "Bring what siblings have changed",
		Long: "Fetches from a sibling, or from all, and with --how brings the changes into the\n" +
			"branch that is checked out. Content of annexed files comes with `get`.",
		Example: "  stemma update --how merge\n  stemma update -r --how merge --follow parentds",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.update(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.sibling, "sibling", "s", "", "only from the sibling `NAME`")
	f.Var(&o.how, "how", "`MODE`: fetch (nothing more), merge, ff-only, reset (discard own changes),\ncheckout (a detached HEAD)")
	f.Var(&o.howSubs, "how-subds", "`MODE` in subdatasets, if another one")
	f.Var(&o.merge, "merge", "older way to say --how merge; with `MODE` ff-only, --how ff-only")
	f.Var(&o.follow, "follow", "`WHAT` subdatasets are updated to: sibling (its branch), parentds (the commit that\nthe superdataset records), parentds-lazy (the same; no fetch where it is here)")
	o.recursion.flags(f)
	f.BoolVar(&o.fetchAll, "fetch-all", false, "no effect")
	f.BoolVar(&o.reobtain, "reobtain-data", false, "get the content of changed files that had content here")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` of the commit that records updated subdatasets")
	optionalValue(f, "merge", "any")
	optionalValue(f, "how", "fetch")
	optionalValue(f, "how-subds", "fetch")
	f.Lookup("fetch-all").Hidden = true
	return cmd
}

// newHow takes the word that follows in any case: a mistyped mode that became a
// path would leave the branch where it is.
func newHow() choice {
	c := newChoice("", update.Fetch, update.Merge, update.FFOnly, update.Reset, update.Checkout)
	c.greedy = true
	return c
}

func (a *app) update(ctx context.Context, o updateOptions, args []string) error {
	if o.merge.value != "" && o.merge.value != "false" && (o.how.value != "" || o.howSubs.value != "") {
		return errors.New("--merge and --how or --how-subds exclude each other: --merge is the older way to say --how merge")
	}
	d, err := a.open(ctx, o.dataset, "update")
	if err != nil {
		return err
	}
	opt := update.Options{
		Sibling: o.sibling, How: o.how.value, HowSubs: o.howSubs.value, Follow: o.follow.value, ReobtainAll: o.reobtain, Message: o.message,
	}
	if opt.How == "" {
		opt.How = map[string]string{"any": update.Merge, "true": update.Merge, "ff-only": update.FFOnly}[o.merge.value]
	}
	if opt.Levels, err = o.recursion.levels(); err != nil {
		return err
	}
	for _, p := range args {
		opt.Paths = append(opt.Paths, a.abs(p))
	}
	if len(args) > 0 && opt.Levels == 0 {
		a.log.Warn("path constraints for subdataset updates ignored, because `recursive` option was not given")
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return update.Update(ctx, d, opt, sink)
}
