package cli

import (
	"context"
	"errors"
	"os"
	"os/user"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
)

type createOptions struct {
	force, noAnnex, fakeDates     bool
	description, dataset, message string
	procedures                    []string
}

func newCreate(a *app) *cobra.Command {
	var o createOptions
	cmd := &cobra.Command{
		Use:   "create [OPTIONS] [PATH [GIT-INIT-OPTION ...]]",
		Short: "Create a new dataset",
		Long: "Creates a dataset: a git repository with an annex for large and binary files.\n" +
			"What follows PATH is given to `git init`.",
		Example:     "  stemma create -c text2git project\n  stemma create --force .      # make the present folder a dataset",
		GroupID:     groupData,
		Annotations: map[string]string{remainder: "yes"},
		RunE:        func(cmd *cobra.Command, args []string) error { return a.create(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.BoolVarP(&o.force, "force", "f", false, "also in a folder that is not empty, or in a git repository")
	f.StringVarP(&o.description, "description", "D", "", "describe this copy's place, as `TEXT` (default: user@host:path)")
	f.StringVarP(&o.dataset, "dataset", "d", "", "`DATASET` in which the new one is registered; without PATH, the one to create")
	f.BoolVar(&o.noAnnex, "no-annex", false, "a plain git repository without annex")
	f.BoolVar(&o.fakeDates, "fake-dates", false, "not supported")
	f.StringArrayVarP(&o.procedures, "cfg-proc", "c", nil, "configure with procedure cfg_`NAME`: text2git, yoda, noannex, or one of your own; repeatable")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` of the first commit")
	f.Lookup("fake-dates").Hidden = true
	return cmd
}

func (a *app) create(ctx context.Context, o createOptions, args []string) error {
	if o.fakeDates {
		return errs.WithExit(errors.New("create: --fake-dates is not supported"), errs.ExitUsage)
	}
	opt := dataset.CreateOptions{
		Path: a.cwd, Description: o.description, NoAnnex: o.noAnnex, Force: o.force,
		Procedures: o.procedures, Message: o.message, Backend: a.overrides.get("datalad.repo.backend"),
		Config: a.overrides.typed, User: a.userName(), Host: hostName(), Home: a.getenv("HOME"),
	}
	opt.RunProcedure = a.configureWith
	for _, name := range o.procedures {
		if _, err := a.procedures(nil).Find(ctx, "cfg_"+name); err != nil {
			return err
		}
	}
	if o.dataset != "" {
		const purpose = "create a subdataset"
		dir, exact, err := a.datasetDir(ctx, o.dataset, purpose)
		if err == nil && !exact {
			var d *dataset.Dataset
			if d, err = a.open(ctx, o.dataset, purpose); err == nil {
				dir = d.Path()
			}
		}
		if err != nil {
			return err
		}
		opt.Path, opt.Super = dir, dir
	}
	if len(args) > 0 {
		opt.Path, opt.GitInit = a.abs(args[0]), args[1:]
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	d, err := dataset.Create(ctx, opt, a.dsEnv(), sink)
	if err != nil || d == nil {
		return err
	}
	return adjusted.ToFileSystem(ctx, d, false)
}

// userName is the login name, as far as it can be known.
func (a *app) userName() string {
	for _, name := range []string{"USER", "LOGNAME"} {
		if v := a.getenv(name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}
