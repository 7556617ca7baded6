package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/publish"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type pushOptions struct {
	dataset, to, since string
	data, force        choice
	recursion          recursion
	jobs               parallel
}

func newPush(a *app) *cobra.Command {
	o := pushOptions{
		data:  newChoice("auto-if-wanted", "anything", "nothing", "auto", "auto-if-wanted"),
		force: newChoice("", "all", "gitpush", "checkdatapresent"),
	}
	cmd := &cobra.Command{
		Use:   "push [OPTIONS] [PATH ...]",
		Short: "Send content and branches to a sibling",
		Long: "Copies the content of annexed files to a sibling, then pushes the branch that is\n" +
			"checked out and what is known of where content lies. Siblings that it depends on\n" +
			"(datalad-publish-depends) come first.",
		Example: "  stemma push --to store\n  stemma push --to store --data nothing\n  stemma push --to store --since ^ -r",
		GroupID: groupData,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("since") && o.since == "" {
				return errors.New("'since' should point to commitish or use '^'.") // as in DataLad
			}
			return a.push(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVar(&o.to, "to", "", "`SIBLING` to send to (default: where git pushes to)")
	f.StringVar(&o.since, "since", "", "only what changed since `COMMIT`; ^ is the last push")
	f.Var(&o.data, "data", "which content: `WHICH` anything, nothing, auto (what the sibling wants),\nauto-if-wanted (auto where it says what it wants)")
	f.VarP(&o.force, "force", "f", "`WHAT` to force: gitpush (move branches there in any case), checkdatapresent\n(ask the sibling what it has), all")
	o.recursion.flags(f)
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	return cmd
}

func (a *app) push(ctx context.Context, o pushOptions, args []string) error {
	line := a.watchTransfers()
	defer line.clear()
	d, err := a.open(ctx, o.dataset, "push")
	if err != nil {
		return err
	}
	levels, err := o.recursion.levels()
	if err != nil {
		return err
	}
	hints := &hintList{}
	sink, err := a.report(render.Continue, &render.Tailored{Summary: render.SummaryAlways, End: hints.text})
	if err != nil {
		return err
	}
	return publish.Push(ctx, d, publish.Options{
		Paths: args, To: o.to, Since: o.since, Data: o.data.value, Force: o.force.value, Levels: levels, Jobs: int(o.jobs),
	}, line.sink(hints.watch(sink)))
}

// hintList gathers git's advice, to be shown once at the end.
type hintList struct{ list []string }

func (h *hintList) watch(sink result.Sink) result.Sink {
	return result.SinkFunc(func(r result.Record) error {
		if text := r.String("hints"); text != "" && !slices.Contains(h.list, text) {
			h.list = append(h.list, text)
		}
		return sink.Emit(r)
	})
}

func (h *hintList) text() string {
	if len(h.list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Hints: ")
	for i, text := range h.list {
		fmt.Fprintf(&b, "\n%d: %s", i+1, text)
	}
	return b.String()
}
