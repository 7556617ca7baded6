package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/clone"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type installOptions struct {
	source, dataset, description, branch string
	getData                              bool
	reckless                             recklessness
	procedures                           []string
	recursion                            recursion
	jobs                                 parallel
}

func newInstall(a *app) *cobra.Command {
	var o installOptions
	cmd := &cobra.Command{
		Use:   "install [OPTIONS] [PATH ...]",
		Short: "Clone datasets, or obtain subdatasets without content",
		Long: "With -s, or where PATH is an address: the same as clone, to PATH or a folder of the\n" +
			"dataset's name. Other paths: subdatasets are obtained, as by get -n.",
		Example: "  stemma install -s https://example.org/project.git project\n  stemma install inputs/raw",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.install(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.source, "source", "s", "", "`SOURCE` to clone")
	f.StringVarP(&o.dataset, "dataset", "d", "", "`DATASET` to register the clone in, or to obtain subdatasets of")
	f.BoolVarP(&o.getData, "get-data", "g", false, "get the content of all files, too")
	f.StringVarP(&o.description, "description", "D", "", "describe this copy's place, as `TEXT`")
	o.recursion.flags(f)
	o.reckless.flag(f)
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	f.StringVar(&o.branch, "branch", "", "check out `BRANCH`")
	f.StringArrayVarP(&o.procedures, "cfg-proc", "c", nil, "configure with procedure `NAME`; repeatable")
	return cmd
}

func (a *app) install(ctx context.Context, o installOptions, args []string) error {
	if o.source == "" && len(args) == 0 {
		return &misuse{errs.WithExit(errors.New("install: neither a source nor a path is given"), errs.ExitUsage)}
	}
	var sources, paths []string
	for _, arg := range args {
		if o.source == "" && isAddress(arg) {
			sources = append(sources, arg)
		} else {
			paths = append(paths, arg)
		}
	}
	target := ""
	switch {
	case o.source != "" && len(paths) > 1:
		return unknownArguments(paths[1:])
	case o.source != "" && len(paths) == 1:
		target, paths = a.abs(paths[0]), nil
	}
	if o.source != "" {
		sources = []string{o.source}
	}
	var super *dataset.Dataset
	var err error
	if o.dataset != "" || len(paths) > 0 || len(sources) == 0 {
		if super, err = a.open(ctx, o.dataset, "install"); err != nil {
			return err
		}
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	sink = o.reference(super, sink)
	for _, source := range sources {
		if err := a.installOne(ctx, o, source, target, super, sink); err != nil {
			return err
		}
	}
	if len(sources) > 0 && len(paths) == 0 {
		return nil
	}
	return a.obtain(ctx, o, super, paths, sink)
}

// reference makes all records relative to the dataset that the user named, or
// to none.
func (o *installOptions) reference(named *dataset.Dataset, sink result.Sink) result.Sink {
	var ref any
	if o.dataset != "" {
		ref = named.Path()
	}
	return result.SinkFunc(func(r result.Record) error { return sink.Emit(r.With("refds", ref)) })
}

// isAddress tells addresses from paths of subdatasets.
func isAddress(s string) bool {
	return strings.Contains(s, "://") || strings.HasPrefix(s, "///") || strings.Contains(strings.SplitN(s, "/", 2)[0], ":")
}

func (a *app) installOne(ctx context.Context, o installOptions, source, target string, super *dataset.Dataset, sink result.Sink) error {
	opt := clone.Options{
		Source: source, Path: target, Description: o.description, Reckless: string(o.reckless), Procedures: o.procedures, Top: a.getenv("DATALAD_DATASETS_TOPURL"),
	}
	if o.dataset != "" {
		opt.Super = super
	}
	if o.branch != "" {
		opt.GitArgs = []string{"--branch=" + o.branch}
	}
	d, err := clone.Clone(ctx, opt, a.dsEnv(), sink)
	if err != nil || d == nil {
		return err
	}
	defer d.Close()
	if !o.getData && !o.recursion.on {
		return nil
	}
	return a.obtain(ctx, o, d, []string{filepath.Clean(d.Path())}, sink)
}

// obtain gets subdatasets and, where asked for, content.
func (a *app) obtain(ctx context.Context, o installOptions, d *dataset.Dataset, paths []string, sink result.Sink) error {
	levels, err := o.recursion.levels()
	if err != nil {
		return err
	}
	return clone.Get(ctx, d, clone.GetOptions{
		Paths: paths, Jobs: int(o.jobs), NoData: !o.getData, Levels: levels, Reckless: string(o.reckless), Description: o.description,
		Procedures: o.procedures, Top: a.getenv("DATALAD_DATASETS_TOPURL"),
	}, sink)
}
