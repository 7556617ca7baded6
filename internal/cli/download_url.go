package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/download"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
	"github.com/stemma-data/stemma/internal/render"
)

type downloadOptions struct {
	dataset, path, message     string
	overwrite, archive, noSave bool
}

func newDownloadURL(a *app) *cobra.Command {
	var o downloadOptions
	cmd := &cobra.Command{
		Use:   "download-url [OPTIONS] URL ...",
		Short: "Download files and save them",
		Long: "Downloads files. In a dataset they are saved, and annexed files remember their URL,\n" +
			"so that `get` brings them back.",
		Example: "  stemma download-url -O raw/ https://example.org/data.csv",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.downloadURL(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.path, "path", "O", "", "`PATH` of the file, or of a folder with a slash at its end")
	f.BoolVarP(&o.overwrite, "overwrite", "o", false, "replace files that are there")
	f.BoolVar(&o.archive, "archive", false, "not supported")
	f.BoolVar(&o.noSave, "nosave", false, "do not save")
	f.StringVarP(&o.message, "message", "m", "", "`MESSAGE` of the commit")
	f.Lookup("archive").Hidden = true
	return cmd
}

func (a *app) downloadURL(ctx context.Context, o downloadOptions, args []string) error {
	if o.archive {
		return errs.WithExit(errors.New("download-url: --archive is not supported"), errs.ExitUsage)
	}
	d, err := a.open(ctx, o.dataset, "download urls")
	var none *dataset.NoDatasetError
	if err != nil && (o.dataset != "" || !errors.As(err, &none)) {
		return err
	}
	opt := download.Options{URLs: args, Overwrite: o.overwrite, NoSave: o.noSave, Message: o.message, Here: a.cwd}
	if o.path != "" {
		opt.Path, opt.Folder = a.abs(o.path), strings.HasSuffix(o.path, "/")
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	client, err := a.webClient(ctx, d)
	if err != nil {
		return err
	}
	defer client.Close()
	return download.URLs(ctx, d, client, opt, sink)
}

// webClient downloads with the settings of the dataset; without one (nil), with
// those of the user.
func (a *app) webClient(ctx context.Context, d *dataset.Dataset) (*fetchurl.Client, error) {
	setup := remote.Setup{Env: a.env, Home: a.getenv("HOME"), Log: a.log}
	if d != nil {
		setup.Settings = d.Repo.Config
		return fetchurl.New(setup), nil
	}
	var err error
	if setup.Settings, err = git.UserConfig(ctx, a.env); err != nil {
		return nil, err
	}
	return fetchurl.New(setup), nil
}
