package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/discard"
	"github.com/stemma-data/stemma/internal/render"
)

type dropOptions struct {
	dataset, ifDirty string
	what, reckless   choice
	noCheck          bool
	recursion        recursion
	jobs             parallel
}

func newDrop(a *app) *cobra.Command {
	o := dropOptions{
		what:     newChoice("filecontent", "filecontent", "allkeys", "datasets", "all"),
		reckless: newChoice("", "modification", "availability", "undead", "kill"),
	}
	cmd := &cobra.Command{
		Use:   "drop [OPTIONS] [PATH ...]",
		Short: "Delete content that other repositories have, or whole datasets",
		Long: "Deletes the content of annexed files here, once enough other repositories are\n" +
			"proven to have it; `get` brings it back. With --what all, the dataset itself\n" +
			"goes, once its commits are proven to be elsewhere, too.",
		Example: "  stemma drop raw/subject1\n  stemma drop --what all -r -d job1",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.drop(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.Var(&o.what, "what", "drop `WHAT`: filecontent, allkeys (all content, also of old versions), datasets,\nall (datasets, or content where PATH is a file)")
	f.Var(&o.reckless, "reckless", "leave out a check: `CHECK` modification, availability, undead, or kill (all of them)")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	o.recursion.flags(f)
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	f.BoolVar(&o.noCheck, "nocheck", false, "the same as --reckless availability")
	f.StringVar(&o.ifDirty, "if-dirty", "", "accepted and ignored (`MODE`)")
	f.Lookup("nocheck").Hidden, f.Lookup("if-dirty").Hidden = true, true
	return cmd
}

func (a *app) drop(ctx context.Context, o dropOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "drop")
	if err != nil {
		return err
	}
	levels, err := o.recursion.levels()
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	opt := discard.Options{What: o.what.value, Reckless: o.reckless.value, Levels: levels, Jobs: int(o.jobs)}
	if opt.Paths = args; opt.What == discard.FileContent {
		opt.Paths = a.pathsOrHere(o.dataset, args)
	}
	if o.noCheck {
		opt.Reckless = discard.Availability
	}
	return discard.Drop(ctx, d, opt, sink)
}

// pathsOrHere is the working folder where no paths are given, or the whole of
// a dataset that is named.
func (a *app) pathsOrHere(named string, paths []string) []string {
	if len(paths) > 0 || named != "" {
		return paths
	}
	return []string{a.cwd}
}
