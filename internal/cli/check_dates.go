package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/repodates"
	"github.com/stemma-data/stemma/internal/result"
)

type checkDatesOptions struct {
	reference     string
	revs          []string
	annex         choice
	noTags, older bool
}

func newCheckDates(a *app) *cobra.Command {
	o := checkDatesOptions{annex: newChoice("all", "all", "tree", "none")}
	cmd := &cobra.Command{
		Use:   "check-dates [OPTIONS] [PATH ...]",
		Short: "Find dates in repositories after a given one",
		Long: "Shows commits, annotated tags and logs of the git-annex branch with dates after a\n" +
			"reference date: where real dates slipped into repositories that shall have\n" +
			"made-up ones. All repositories below PATH, or the present folder, are searched.",
		Example: "  stemma check-dates -D 2030-01-01\n  stemma -f json check-dates --older -D @1514764800 --annex tree",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.checkDates(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.reference, "reference-date", "D", "@1514764800", "compare to `DATE`: 2018-01-31, or @ and seconds since 1970")
	f.StringArrayVar(&o.revs, "rev", nil, "only commits that `REVISION` reaches (what git log takes); repeatable")
	f.Var(&o.annex, "annex", "where in the git-annex branch: `MODE` all (its history), tree (its present state), or none")
	f.BoolVar(&o.noTags, "no-tags", false, "not the dates of annotated tags")
	f.BoolVar(&o.older, "older", false, "find dates before the reference date")
	return cmd
}

func (a *app) checkDates(ctx context.Context, o checkDatesOptions, args []string) error {
	sink, err := a.report(render.Continue, &render.Tailored{Line: checkDatesLine})
	if err != nil {
		return err
	}
	reference, err := repodates.ParseReference(o.reference)
	if err != nil {
		return err
	}
	opt := repodates.Options{
		Roots: a.allAbs(args), Reference: reference, Older: o.older, Revs: o.revs, Annex: repodates.Annex(o.annex.value), NoTags: o.noTags,
		Vars: a.env, Log: a.log,
	}
	if len(args) == 0 {
		opt.Roots = []string{a.cwd}
	}
	return repodates.Check(ctx, opt, sink)
}

// checkDatesLine shows what was found; repositories without a find are left out.
func checkDatesLine(r result.Record) (string, bool) {
	m := render.Map(r)
	if !r.Status.Failed() {
		report, _ := r.Fields["report"].(map[string]any)
		if objects, _ := report["objects"].(map[string]any); len(objects) == 0 {
			return "", true
		}
		delete(m, "status")
		delete(m, "message")
	}
	return pyfmt.JSONIndent(m, 2, true), true
}
