package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

// flagSet is pflag's, by the name that option groups use.
type flagSet = *pflag.FlagSet

// Help of options that many commands have.
const (
	datasetHelp = "`DATASET` to work in (default: the one around the working folder); ^ is the topmost one, ^. the present one"
	jobsHelp    = "at most `N` files at once, or auto"
)

type statusOptions struct {
	dataset         string
	annex           choice
	untracked, eval choice
	evalType        choice
	recursion       recursion
}

func newStatus(a *app) *cobra.Command {
	o := statusOptions{
		annex:     newChoice("", "basic", "availability", "all"),
		untracked: newChoice("normal", "no", "normal", "all"),
		eval:      newChoice("full", "no", "commit", "full"),
		evalType:  newChoice("raw", "raw", "eval"),
	}
	cmd := &cobra.Command{
		Use:   "status [OPTIONS] [PATH ...]",
		Short: "Show what is not saved",
		Long: "Lists files that are untracked, modified, added or deleted. Outputs of open\n" +
			"jobs are left out, unless they are named.",
		Example: "  stemma status\n  stemma status -r --annex availability data/",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.status(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.Var(&o.annex, "annex", "tell about annexed files, `LEVEL` basic (default), availability, or all")
	f.Var(&o.untracked, "untracked", "untracked files: `MODE` no, normal (folders as one), or all")
	o.recursion.flags(f)
	f.VarP(&o.eval, "eval-subdataset-state", "e", "look into subdatasets: `MODE` no, commit, or full")
	f.VarP(&o.evalType, "report-filetype", "t", "accepted and ignored (`MODE`)")
	optionalValue(f, "annex", "basic")
	return cmd
}

func (a *app) status(ctx context.Context, o statusOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "report status")
	if err != nil {
		return err
	}
	levels, err := o.recursion.reach()
	if err != nil {
		return err
	}
	view, sink, err := a.statusReport(d, "status", o.dataset)
	if err != nil {
		return err
	}
	opt := dataset.StatusOptions{
		Paths: args, Untracked: o.untracked.value, Annex: o.annex.value, Clean: !a.human() || o.annex.value != "",
		Levels: levels, FromTop: o.dataset != "", Eval: evalStates[o.eval.value],
	}
	err = d.Status(ctx, opt, sink)
	view.incomplete = err != nil
	return err
}

// statusReport begins the output of status, or of diff, which looks the same.
func (a *app) statusReport(d *dataset.Dataset, action, named string) (*statusView, result.Sink, error) {
	v := &statusView{action: action, relative: named != "" || d.Path() == a.cwd, color: a.color(a.stdout)}
	sink, err := a.report(render.Continue, &render.Tailored{Line: v.line, End: v.end})
	if err != nil {
		return nil, nil, err
	}
	return v, result.SinkFunc(func(r result.Record) error {
		v.count(r)
		return sink.Emit(r)
	}), nil
}

var evalStates = map[string]dataset.Eval{"no": dataset.EvalNone, "commit": dataset.EvalCommit, "full": dataset.EvalFull}

// statusView is how status looks to people.
type statusView struct {
	action          string
	relative, color bool
	dirty           bool
	files           int
	total, present  int64
	availability    bool
	incomplete      bool // there was an error
}

// count takes notice of a record for the last lines.
func (v *statusView) count(r result.Record) {
	if r.Status != result.OK || r.String("state") != string(dataset.Clean) {
		v.dirty = true
	}
	size, ok := r.Fields["bytesize"].(int64)
	if _, annexed := r.Fields["key"]; !annexed || !ok {
		return
	}
	v.files++
	v.total += size
	if has, ok := r.Fields["has_content"].(bool); ok {
		v.availability = true
		if has {
			v.present += size
		}
	}
}

var stateColor = map[string]string{"untracked": "31", "modified": "31", "deleted": "31", "added": "32", "unknown": "33"}

func (v *statusView) line(r result.Record) (string, bool) {
	if r.Status != result.OK || r.Action != v.action {
		return "", false
	}
	state := r.String("state")
	if state == string(dataset.Clean) {
		return "", true
	}
	if state == "" {
		state = "unknown"
	}
	path := r.Path
	if v.relative {
		path = render.RelPath(r)
	}
	typ := ""
	if r.Type != "" {
		typ = " (" + v.paint("35", r.Type) + ")"
	}
	pad := strings.Repeat(" ", max(0, len("untracked")-len(state)))
	return pad + v.paint(stateColor[state], state) + ": " + path + typ, true
}

func (v *statusView) paint(color, s string) string {
	if !v.color || color == "" {
		return s
	}
	return "\x1b[1;" + color + "m" + s + "\x1b[0m"
}

// end is what stands below the list.
func (v *statusView) end() string {
	var lines []string
	if v.files > 0 && v.action == "status" {
		noun, size := "files", byteSize(v.total)+" recorded total size"
		if v.files == 1 {
			noun = "file"
		}
		if v.availability {
			size = byteSize(v.present) + "/" + byteSize(v.total) + " present/total size"
		}
		lines = append(lines, fmt.Sprintf("%d annex'd %s (%s)", v.files, noun, size))
	}
	if !v.dirty && !v.incomplete && v.action == "status" {
		lines = append(lines, "nothing to save, working tree clean")
	}
	return strings.Join(lines, "\n")
}

// byteSize prints a size as DataLad's summaries do: binary units, one decimal.
func byteSize(n int64) string {
	const symbols = " KMGTPE"
	i, v := 0, float64(n)
	for ; v >= 1024 && i < len(symbols)-1; i++ {
		v /= 1024
	}
	return fmt.Sprintf("%.1f %sB", v, strings.TrimSpace(symbols[i:i+1]))
}
