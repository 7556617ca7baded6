package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
)

type subdatasetsOptions struct {
	dataset          string
	state, fulfilled choice
	recursion        recursion
	contains         []string
	bottomUp         bool
	set              []string // in pairs
	deleted          []string
}

func newSubdatasets(a *app) *cobra.Command {
	o := subdatasetsOptions{
		state: newChoice("any", "present", "absent", "any"), fulfilled: newChoice("", "true", "false"),
	}
	cmd := &cobra.Command{
		Use:   "subdatasets [OPTIONS] [PATH ...]",
		Short: "List subdatasets, or change what is on record about them",
		Long: "Lists the subdatasets that the dataset registers, at and below PATH (default: the\n" +
			"working folder), whether they are here or not.",
		Example: "  stemma subdatasets -r --state absent\n  stemma subdatasets --contains inputs/raw/file.dat\n" +
			"  stemma subdatasets --set-property datalad-recursiveinstall skip inputs/raw",
		GroupID:     groupData,
		Annotations: map[string]string{pairOptions: "set-property"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.subdatasets(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.Var(&o.state, "state", "only subdatasets in `STATE` present, absent, or any (default)")
	f.Var(&o.fulfilled, "fulfilled", "`BOOL`: true for --state present, false for --state absent (old spelling)")
	o.recursion.flags(f)
	f.StringArrayVar(&o.contains, "contains", nil, "only subdatasets that hold `PATH`; repeatable")
	f.BoolVar(&o.bottomUp, "bottomup", false, "list a subdataset after those in it")
	f.StringArrayVar(&o.set, "set-property", nil, "set a property on record: `NAME VALUE`; <{...}> is filled in from the record; repeatable")
	f.StringArrayVar(&o.deleted, "delete-property", nil, "take property `NAME` out of the record; repeatable")
	return cmd
}

func (a *app) subdatasets(ctx context.Context, o subdatasetsOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "report on subdataset(s)")
	if err != nil {
		return err
	}
	opt := dataset.SubdatasetsOptions{
		Paths: a.allAbs(args), Contains: a.allAbs(o.contains), BottomUp: o.bottomUp, Delete: o.deleted,
	}
	if opt.State, err = o.wanted(); err != nil {
		return err
	}
	for i := 0; i+1 < len(o.set); i += 2 {
		opt.Set = append(opt.Set, [2]string{o.set[i], o.set[i+1]})
	}
	if opt.Levels, err = o.recursion.subLevels(); err != nil {
		return err
	}
	if len(args) == 0 && o.dataset == "" && d.Path() != a.cwd {
		opt.Paths = []string{a.cwd}
	}
	sink, err := a.reportList(render.Continue, &render.Tailored{})
	if err != nil {
		return err
	}
	return d.ReportSubdatasets(ctx, opt, sink)
}

// wanted is the state that --state or the older --fulfilled asks for.
func (o *subdatasetsOptions) wanted() (string, error) {
	state := o.state.value
	if o.fulfilled.value != "" {
		if state != "any" {
			err := errors.New("Do not specify both 'fulfilled' and 'state', use 'state'")
			return "", errs.WithExit(err, errs.ExitFailure)
		}
		state = map[string]string{"true": "present", "false": "absent"}[o.fulfilled.value]
	}
	if state == "any" {
		return "", nil
	}
	return state, nil
}

// subLevels is how many levels of subdatasets are meant where the direct ones
// are in any case.
func (r *recursion) subLevels() (int, error) {
	n, err := r.reach()
	switch {
	case err != nil:
		return 0, err
	case r.limit != "" && n <= 0:
		return 0, nil
	case !r.on:
		return 1, nil
	}
	return n, nil
}

// allAbs makes paths absolute that the user typed.
func (a *app) allAbs(typed []string) []string {
	var list []string
	for _, p := range typed {
		list = append(list, filepath.Clean(a.abs(p)))
	}
	return list
}

// pairOptions names options that take two words each; see expandPairs.
const pairOptions = "pairs"

// expandPairs rewrites "--name A B" to "--name A --name B", which is how the
// values of an option with two words reach it.
func expandPairs(args []string, name string) ([]string, error) {
	var out []string
	for i := 0; i < len(args); i++ {
		out = append(out, args[i])
		if args[i] == "--" {
			return append(out, args[i+1:]...), nil
		}
		if args[i] != "--"+name {
			continue
		}
		if i+2 >= len(args) {
			err := fmt.Errorf("argument --%s: expected 2 arguments", name)
			return nil, &misuse{errs.WithExit(err, errs.ExitUsage)}
		}
		out = append(out, args[i+1], "--"+name, args[i+2])
		i += 2
	}
	return out, nil
}
