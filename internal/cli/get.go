package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
)

type getOptions struct {
	source, dataset, description, reckless string
	procedures                             []string
	noData                                 bool
	data                                   choice
	recursion                              recursion
	jobs                                   parallel
}

func newGet(a *app) *cobra.Command {
	o := getOptions{data: newChoice("anything", "anything", "nothing", "auto", "auto-if-wanted")}
	cmd := &cobra.Command{
		Use:   "get [OPTIONS] [PATH ...]",
		Short: "Bring the content of annexed files here",
		Long: "Fetches the content of annexed files from other repositories that have it.\n" +
			"Without PATH: everything below the working folder.",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.get(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.source, "source", "s", "", "only from the remote `LABEL`")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	o.recursion.flags(f)
	f.BoolVarP(&o.noData, "no-data", "n", false, "subdatasets only, no content")
	f.Var(&o.data, "data", "which content: `WHICH` anything or nothing")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	f.StringVarP(&o.description, "description", "D", "", "accepted and ignored: `TEXT` for subdatasets that are installed")
	f.StringVar(&o.reckless, "reckless", "", "accepted and ignored: `MODE` for subdatasets that are installed")
	f.StringArrayVarP(&o.procedures, "cfg-proc", "c", nil, "accepted and ignored: `NAME` for subdatasets that are installed")
	optionalValue(f, "reckless", "auto")
	for _, name := range []string{"description", "reckless", "cfg-proc"} {
		f.Lookup(name).Hidden = true
	}
	return cmd
}

func (a *app) get(ctx context.Context, o getOptions, args []string) error {
	if o.data.value == "auto" || o.data.value == "auto-if-wanted" {
		return errs.WithExit(errors.New("get: --data "+o.data.value+" is not supported yet"), errs.ExitUsage)
	}
	d, err := a.open(ctx, o.dataset, "get content of")
	if err != nil {
		return err
	}
	if err := o.recursion.check(d); err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil || o.noData || o.data.value == "nothing" {
		return err
	}
	return d.Get(ctx, dataset.GetOptions{Paths: a.pathsOrHere(o.dataset, args), Source: o.source, Jobs: int(o.jobs)}, sink)
}

// pathsOrHere is the working folder where no paths are given, or the whole of
// a dataset that is named.
func (a *app) pathsOrHere(named string, paths []string) []string {
	if len(paths) > 0 || named != "" {
		return paths
	}
	return []string{a.cwd}
}
