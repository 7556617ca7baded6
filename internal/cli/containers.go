package cli

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/container"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/run"
	"github.com/stemma-data/stemma/internal/runrec"
)

func newContainersAdd(a *app) *cobra.Command {
	var dataset string
	var opt container.AddOptions
	cmd := &cobra.Command{
		Use:   "containers-add [OPTIONS] NAME",
		Short: "Put a container image into the dataset",
		Long: "Puts an image into the dataset, as annexed content, and on record how commands are\n" +
			"run in it. The source is a file, docker-archive:FILE, oci-archive:FILE, a folder\n" +
			"(packed as SquashFS), an http(s) address, docker://NAME (built by Apptainer), or\n" +
			"dhub://NAME (pulled by Docker); nothing is pulled otherwise.\n\n" +
			"FORMAT is a command line in which {img} is the path of the image and {cmd} the\n" +
			"command; also {img_dspath}, {img_dirpath}, {python} and {subdir} (where the command\n" +
			"starts, from the top of the dataset). {{pwd}} and {{dspath}} are filled in when the\n" +
			"command runs. Known by name: " + strings.Join(container.ExecutorNames(), ", ") + ".",
		Example: "  stemma containers-add --url image.sif --call-fmt apptainer tools\n" +
			"  stemma containers-add --url rootfs/ --call-fmt ch-run tools\n" +
			"  stemma containers-add -u docker-archive:tools.tar --call-fmt podman tools",
		GroupID: groupRuns,
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &misuse{errs.WithExit(errors.New("`name` argument is required"), errs.ExitUsage)}
			}
			opt.Name = args[0]
			return a.containersAdd(cmd.Context(), dataset, opt)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&opt.Source, "url", "u", "", "where the image comes from, a path or `URL`")
	f.StringVarP(&dataset, "dataset", "d", "", datasetHelp)
	f.StringVar(&opt.CallFormat, "call-fmt", "", "`FORMAT` of the command line, or an executor's name")
	f.StringArrayVar(&opt.ExtraInputs, "extra-input", nil, "`FILE` that the container needs beside its image; repeatable")
	f.StringVarP(&opt.Image, "image", "i", "", "`PATH` of the image in the dataset (default: .datalad/environments/NAME/image)")
	f.BoolVar(&opt.Update, "update", false, "change a container that is on record")
	return cmd
}

func (a *app) containersAdd(ctx context.Context, named string, opt container.AddOptions) error {
	d, err := a.open(ctx, named, "add container")
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return container.Add(ctx, d, opt, sink)
}

func newContainersList(a *app) *cobra.Command {
	var named string
	var contains []string
	var rec recursion
	cmd := &cobra.Command{
		Use:     "containers-list [OPTIONS]",
		Short:   "List the containers of the dataset",
		Example: "  stemma containers-list -r",
		GroupID: groupRuns,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.open(cmd.Context(), named, "list containers")
			if err != nil {
				return err
			}
			return a.containersList(cmd.Context(), d, rec.on, a.allAbs(contains))
		},
	}
	f := cmd.Flags()
	f.StringVarP(&named, "dataset", "d", "", datasetHelp)
	f.StringArrayVar(&contains, "contains", nil, "with -r: only subdatasets that hold `PATH`; repeatable")
	f.BoolVarP(&rec.on, "recursive", "r", false, "also in subdatasets")
	return cmd
}

func (a *app) containersList(ctx context.Context, d *dataset.Dataset, recursive bool, contains []string) error {
	sink, err := a.report(render.Continue, &render.Tailored{Line: func(r result.Record) (string, bool) {
		rel, err := filepath.Rel(r.String("refds"), r.Path)
		return r.String("name") + " -> " + rel, err == nil
	}})
	if err != nil {
		return err
	}
	list, err := container.List(ctx, d, recursive, contains)
	if err != nil {
		return err
	}
	for i := range list {
		if err := sink.Emit(list[i].Record(d.Path())); err != nil {
			return err
		}
	}
	return nil
}

func newContainersRemove(a *app) *cobra.Command {
	var named string
	var image bool
	cmd := &cobra.Command{
		Use:     "containers-remove [OPTIONS] NAME",
		Short:   "Take a container out of the records",
		Long:    "Takes a container out of the records of the dataset. Commands that ran in it can be\nrun again as long as its image is there.",
		Example: "  stemma containers-remove --remove-image tools",
		GroupID: groupRuns,
		Args:    atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &misuse{errs.WithExit(errors.New("`name` argument is required"), errs.ExitUsage)}
			}
			d, err := a.open(cmd.Context(), named, "remove a container")
			if err != nil {
				return err
			}
			sink, err := a.report(render.Continue, nil)
			if err != nil {
				return err
			}
			return container.Remove(cmd.Context(), d, args[0], image, sink)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&named, "dataset", "d", "", datasetHelp)
	f.BoolVarP(&image, "remove-image", "i", false, "delete the image, too; its content stays in the annex")
	return cmd
}

func newContainersRun(a *app) *cobra.Command {
	o := newRunOptions()
	var name string
	cmd := &cobra.Command{
		Use:   "containers-run [OPTIONS] COMMAND ...",
		Short: "Run a command in a container and record what it changed",
		Long: "Like `run`, in a container that the dataset has on record. The image is fetched\n" +
			"where it is not here. `rerun` repeats the command with that image.",
		Example:     "  stemma containers-run -n tools -i raw.csv -o clean.csv './clean.sh {inputs} > {outputs}'",
		GroupID:     groupRuns,
		Annotations: map[string]string{remainder: "yes"},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.containersRun(cmd.Context(), name, o, command(cmd, args))
		},
	}
	f := cmd.Flags()
	f.StringVarP(&name, "container-name", "n", "", "`NAME` of the container, or path of its image; may be left out where there is only one")
	o.flags(f)
	return cmd
}

func (a *app) containersRun(ctx context.Context, name string, o runOptions, line []string) error {
	d, err := a.open(ctx, o.dataset, "run a containerized command execution")
	if err != nil {
		return err
	}
	c, err := container.Select(ctx, d, name)
	if err != nil {
		return err
	}
	sink, err := a.report(render.Stop, &render.Tailored{Summary: render.SummaryAuto, Line: func(r result.Record) (string, bool) {
		return dryRunText(r, o.dryRun.value)
	}})
	if err != nil {
		return err
	}
	call, err := c.Command(ctx, d, runrec.NormalizeCommand(line), a.cwd)
	var unknown *container.UnknownPlaceholder
	if errors.As(err, &unknown) {
		return sink.Emit(result.New("run", result.Error, d.Path(), result.Dataset).Msg(err.Error()))
	}
	if err != nil {
		return err
	}
	d.Env.Vars = append(append([]string{}, d.Env.Vars...), container.NameVariable+"="+c.Name)
	opt := a.runOpts(o, []string{call.Line})
	opt.ExtraInputs, opt.Fields = call.ExtraInputs, call.Fields()
	return run.Run(ctx, d, opt, sink)
}

// wrapInContainer puts the job of an sbatch line into a container.
func (a *app) wrapInContainer(ctx context.Context, d *dataset.Dataset, name string, line []string, opt *schedule.Options) ([]string, error) {
	c, err := container.Select(ctx, d, name)
	if err != nil {
		return nil, err
	}
	words, call, err := c.Wrap(ctx, d, line, a.cwd)
	if err != nil {
		return nil, err
	}
	opt.ExtraInputs = call.ExtraInputs
	if rel, err := d.Rel(c.Image); err == nil {
		opt.Container = &jobrec.Container{Name: c.Name, Image: rel}
	}
	return words, nil
}
