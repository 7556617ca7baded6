package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/procedure"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type runProcedureOptions struct {
	dataset        string
	discover, help bool
}

func newRunProcedure(a *app) *cobra.Command {
	var o runProcedureOptions
	cmd := &cobra.Command{
		Use:   "run-procedure [OPTIONS] NAME [ARG ...]",
		Short: "Run a procedure that sets a dataset up",
		Long: "Runs a procedure: one that comes along (cfg_text2git, cfg_yoda, cfg_noannex), or a\n" +
			"program from ~/.config/datalad/procedures, from this machine's folder, or from\n" +
			".datalad/procedures of the dataset or a subdataset. The first that is found by\n" +
			"NAME is called with the dataset's path and the arguments. A procedure that a\n" +
			"dataset brings along runs with your rights: look at it before.",
		Example:     "  stemma run-procedure --discover\n  stemma run-procedure cfg_text2git",
		GroupID:     groupRuns,
		Annotations: map[string]string{remainder: "yes"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.runProcedure(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.BoolVar(&o.discover, "discover", false, "list the procedures that are known, and run none")
	f.BoolVar(&o.help, "help-proc", false, "show what is known about procedure NAME, and do not run it")
	return cmd
}

func (a *app) runProcedure(ctx context.Context, o runProcedureOptions, args []string) error {
	if len(args) == 0 && !o.discover {
		return &misuse{errs.WithExit(errors.New("requires at least a procedure name"), errs.ExitUsage)}
	}
	d, err := a.open(ctx, o.dataset, "run a procedure")
	var none *dataset.NoDatasetError
	looking := o.discover || o.help
	if err != nil && !(looking && errors.As(err, &none)) {
		return err
	}
	view := &procedureView{discover: o.discover, color: a.color(a.stdout)}
	sink, err := a.report(render.Continue, &render.Tailored{Line: view.line})
	if err != nil {
		return err
	}
	f := a.procedures(d)
	switch {
	case o.discover:
		return f.Discover(ctx, sink)
	case o.help:
		return f.Explain(ctx, args[0], sink)
	}
	return f.Run(ctx, args[0], args[1:], procedure.Streams{Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr}, sink)
}

// procedures looks procedures up for a dataset, or for none.
func (a *app) procedures(d *dataset.Dataset) *procedure.Finder {
	return &procedure.Finder{Dataset: d, Places: procedure.Places{Home: a.getenv("HOME"), Config: func(key string) []string {
		if v := a.overrides.get(key); v != "" {
			return []string{v}
		}
		if d == nil {
			return nil
		}
		return d.Repo.Config.All(key)
	}}}
}

// configureWith runs a procedure that `create -c` asks for.
func (a *app) configureWith(ctx context.Context, d *dataset.Dataset, name string, sink result.Sink) error {
	streams := procedure.Streams{Stdin: a.stdin, Stdout: a.stderr, Stderr: a.stderr}
	return a.procedures(d).Run(ctx, "cfg_"+name, nil, streams, sink)
}

// procedureView is how procedures look to people.
type procedureView struct{ discover, color bool }

func (v *procedureView) line(r result.Record) (string, bool) {
	if r.Status != result.OK {
		return "", false
	}
	name := r.String("procedure_name")
	switch r.Action {
	case "discover_procedure":
		if v.color && r.String("state") == "executable" {
			name = "\x1b[1m" + name + "\x1b[0m"
		}
		return fmt.Sprintf("%s (%s) [%s]", name, r.Path, r.String("message")), true
	case "procedure_help":
		path := r.Path
		if rel, err := filepath.Rel(r.String("refds"), r.Path); err == nil && filepath.IsAbs(r.Path) {
			path = rel
		}
		return fmt.Sprintf("%s (%s)\n%s", name, path, r.String("message")), true
	}
	return "", false
}
