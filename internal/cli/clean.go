package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type cleanOptions struct {
	dataset   string
	what      choices
	dryRun    bool
	recursion recursion
}

func newClean(a *app) *cobra.Command {
	o := cleanOptions{what: choices{allowed: dataset.CleanTargets()}}
	cmd := &cobra.Command{
		Use:   "clean [OPTIONS]",
		Short: "Remove temporary files",
		Long: "Removes what interrupted commands left: content that was half transferred, and\n" +
			"unpacked archives. A transfer that was interrupted begins anew afterwards.",
		Example: "  stemma clean --dry-run\n  stemma clean --what annex-tmp -r",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.clean(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.BoolVar(&o.dryRun, "dry-run", false, "only show what would be removed")
	f.Var(&o.what, "what", "only `WHAT`: cached-archives, annex-tmp, annex-transfer, search-index; repeatable")
	o.recursion.flags(f)
	return cmd
}

func (a *app) clean(ctx context.Context, o cleanOptions, args []string) error {
	for _, word := range args { // more words after --what
		if len(o.what.values) == 0 {
			return unknownArguments(args)
		}
		if err := o.what.Set(word); err != nil {
			return &misuse{errs.WithExit(err, errs.ExitUsage)}
		}
	}
	d, err := a.open(ctx, o.dataset, "clean dataset")
	if err != nil {
		return err
	}
	opt := dataset.CleanOptions{What: o.what.values, DryRun: o.dryRun}
	if o.recursion.on {
		if opt.Levels, err = o.recursion.subLevels(); err != nil {
			return err
		}
	}
	v := &cleanView{relative: o.dataset != "" || d.Path() == a.cwd}
	sink, err := a.report(render.Continue, &render.Tailored{Line: v.line, End: v.end})
	if err != nil {
		return err
	}
	return d.Clean(ctx, opt, sink)
}

// cleanView is how clean looks to people.
type cleanView struct{ relative, found bool }

func (v *cleanView) line(r result.Record) (string, bool) {
	v.found = v.found || r.Status != result.NotNeeded
	if r.Status != result.OK || r.Action == "clean" {
		return "", false
	}
	path := r.Path
	if v.relative {
		path = render.RelPath(r)
	}
	return path + ": " + render.Message(r), true
}

func (v *cleanView) end() string {
	if v.found {
		return ""
	}
	return "nothing to clean, no temporary locations present."
}
