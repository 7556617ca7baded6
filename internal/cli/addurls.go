package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/addurls"
	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
)

type addurlsOptions struct {
	addurls.Options
	dataset                   string
	kind, ifExists, collision choice
	procedures                []string
	jobs                      parallel
	versionURLs               bool
}

func newAddurls(a *app) *cobra.Command {
	o := addurlsOptions{
		kind: newChoice("ext", "ext", "csv", "tsv", "json"), ifExists: newChoice("", addurls.ExistsOverwrite, addurls.ExistsSkip),
		collision: newChoice(addurls.CollisionError, addurls.CollisionError, addurls.CollisionIfDifferent, addurls.CollisionTakeFirst, addurls.CollisionTakeLast),
	}
	cmd := &cobra.Command{
		Use:   "addurls [OPTIONS] URL-FILE URL-FORMAT FILENAME-FORMAT",
		Short: "Fill a dataset with files from a table of URLs",
		Long: "Downloads one file for each row of a table (csv, tsv or json; - is standard input).\n" +
			"The formats are templates with {COLUMN} or {NUMBER}. In file names there are also\n" +
			"{_url_hostname}, {_url0}, {_url1}, …, {_url_basename}, {_url_basename_root},\n" +
			"{_url_basename_ext}, the same for {_url_filename}, for which the servers are asked, and\n" +
			"{_repindex}, which counts names that repeat; // ends the path of a subdataset, which\n" +
			"is created. Columns become metadata of the annexed files.",
		Example: "  stemma addurls table.csv '{link}' 'raw/{who}.{ext}'\n  stemma addurls -d new -x '*' -m 'source={who}' table.csv '{link}' '{who}//{_url_basename}'\n" +
			"  stemma addurls --dry-run table.csv '{link}' '{who}.{ext}'",
		GroupID: groupData,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.ExcludeSet = cmd.Flags().Changed("exclude-autometa")
			return a.addurls(cmd.Context(), o, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", "`DATASET` to fill; one that does not exist is created")
	f.VarP(&o.kind, "input-type", "t", "`TYPE` of the table: csv, tsv, json, or ext (by the name's extension)")
	f.StringVarP(&o.Exclude, "exclude-autometa", "x", "", "columns that match `REGEXP` are no metadata; '*': none is")
	f.StringArrayVarP(&o.Meta, "meta", "m", nil, "metadata for each file: template `FIELD=VALUE`; repeatable")
	f.StringVar(&o.Key, "key", "", "download nothing, take the key from template `FORMAT`: [et:]BACKEND[-sSIZE]--HASH")
	f.StringVar(&o.Message, "message", "", "`MESSAGE` of the commit")
	f.BoolVarP(&o.DryRun, "dry-run", "n", false, "only show what would be downloaded, and where to")
	f.BoolVar(&o.Fast, "fast", false, "do not download: nothing can verify the content later")
	f.Var(&o.ifExists, "ifexists", "what to do with files that exist: `WHAT` overwrite or skip (default: add the URL if the size fits)")
	f.StringVar(&o.Missing, "missing-value", "", "use `VALUE` in place of empty ones")
	f.BoolVar(&o.NoSave, "nosave", false, "do not save")
	f.BoolVar(&o.versionURLs, "version-urls", false, "not supported")
	f.StringArrayVarP(&o.procedures, "cfg-proc", "c", nil, "configure new datasets with procedure cfg_`NAME`; repeatable")
	f.VarP(&o.jobs, "jobs", "J", "fill at most `N` subdatasets at once, or auto")
	f.BoolVar(&o.DropAfter, "drop-after", false, "drop each file's content once it is added")
	f.Var(&o.collision, "on-collision", "where rows give the same file name: `WHAT` error (default), error-if-different, take-first, or take-last")
	f.Lookup("version-urls").Hidden = true
	return cmd
}

func (a *app) addurls(ctx context.Context, o addurlsOptions, args []string) error {
	switch {
	case len(args) != 3:
		return &misuse{errs.WithExit(errors.New("the following arguments are required: URL-FILE, URL-FORMAT, FILENAME-FORMAT"), errs.ExitUsage)}
	case o.versionURLs:
		return errs.WithExit(errors.New("addurls: --version-urls is not supported"), errs.ExitUsage)
	}
	o.Source, o.URLFormat, o.FileFormat = args[0], args[1], args[2]
	o.IfExists, o.Collision, o.Jobs, o.Env = o.ifExists.value, o.collision.value, int(o.jobs), a.dsEnv()
	o.Create = func(ctx context.Context, path string, sink result.Sink) (*dataset.Dataset, error) {
		d, err := dataset.Create(ctx, dataset.CreateOptions{
			Path: path, Procedures: o.procedures, Backend: a.overrides.get("datalad.repo.backend"), Config: a.overrides.typed,
			User: a.userName(), Host: hostName(), Home: a.getenv("HOME"), RunProcedure: a.configureWith,
		}, o.Env, sink)
		if err == nil && d != nil {
			err = adjusted.ToFileSystem(ctx, d, false)
		}
		return d, err
	}
	d, top, err := a.toFill(ctx, o.dataset)
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, &render.Tailored{Rewrite: belowTop, Summary: render.SummaryAlways})
	if err != nil {
		return err
	}
	client, err := a.webClient(ctx, d)
	if err != nil {
		return err
	}
	defer client.Close()
	o.FileName = func(ctx context.Context, address string) string {
		name, err := client.FileName(ctx, address)
		if err != nil {
			a.log.Debug("no name for " + address + ": " + err.Error())
		}
		return name
	}
	table, err := a.urlTable(args[0], o.kind.value)
	if err != nil {
		return err
	}
	return addurls.Add(ctx, d, top, table, o.Options, sink)
}

// toFill is the dataset, or nil and the place for it.
func (a *app) toFill(ctx context.Context, named string) (d *dataset.Dataset, top string, err error) {
	dir, exact, err := a.datasetDir(ctx, named, "add urls")
	if err != nil {
		return nil, "", err
	}
	if exact {
		if _, err := os.Lstat(dir + "/.git"); err != nil {
			return nil, dir, nil
		}
	}
	if d, err = a.open(ctx, named, "add urls"); err != nil {
		return nil, "", err
	}
	return d, d.Path(), nil
}

func (a *app) urlTable(name, kind string) (*addurls.Table, error) {
	if kind == "ext" {
		kind = addurls.TypeOf(name)
	}
	var r io.Reader = a.stdin
	if name != "-" {
		f, err := os.Open(a.abs(name))
		if err != nil {
			return nil, fmt.Errorf("read the table: %w", err)
		}
		defer f.Close()
		r = f
	}
	return addurls.ReadTable(r, kind)
}

// belowTop lets new subdatasets be shown by their path in the dataset.
func belowTop(r result.Record) result.Record {
	if top := r.String("addurls.refds"); top != "" {
		return r.Ref(top)
	}
	return r
}
