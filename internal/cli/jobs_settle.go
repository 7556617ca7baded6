package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/render"
)

// settleOptions are the options of the commands that settle, give up or take
// over single jobs.
type settleOptions struct {
	dataset, claim string
	scheduler      schedulerOption
}

func newJobsAdopt(a *app) *cobra.Command {
	var o settleOptions
	cmd := &cobra.Command{
		Use:   "adopt [OPTIONS] JOB-ID",
		Short: "Say which job an uncertain submission became",
		Args:  exactly(1, "the id of a job"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.adopt(cmd.Context(), o, args[0])
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVar(&o.claim, "claim", "", "the claim (`#N` of the list), where several are uncertain")
	o.scheduler.flags(f)
	return cmd
}

func (a *app) adopt(ctx context.Context, o settleOptions, id string) error {
	row, err := claimNumber(o.claim)
	if err != nil {
		return err
	}
	d, err := a.open(ctx, o.dataset, "adopt a job")
	if err != nil {
		return err
	}
	s, err := a.scheduler(o.scheduler)
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return jobs.Adopt(ctx, d, s, jobs.AdoptOptions{JobID: id, Row: row}, sink)
}

func newJobsRelease(a *app) *cobra.Command {
	var o settleOptions
	cmd := &cobra.Command{
		Use:   "release [OPTIONS] [JOB-ID | #N]",
		Short: "Give up a job or claim without a commit",
		Long:  "Frees the outputs that a job or an uncertain submission (#N) claims. A job that\nruns is not cancelled; use scancel for that.",
		Args:  atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.release(cmd.Context(), o, strings.Join(args, ""))
		},
	}
	cmd.Flags().StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	return cmd
}

func (a *app) release(ctx context.Context, o settleOptions, name string) error {
	opt := jobs.ReleaseOptions{JobID: name}
	if strings.HasPrefix(name, "#") {
		row, err := claimNumber(name)
		if err != nil {
			return err
		}
		opt = jobs.ReleaseOptions{Row: row}
	}
	d, err := a.open(ctx, o.dataset, "release a job")
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return jobs.Release(ctx, d, opt, sink)
}

func newJobsImport(a *app) *cobra.Command {
	var o settleOptions
	cmd := &cobra.Command{
		Use:   "import [OPTIONS] [DATABASE]",
		Short: "Take over the open jobs of datalad-slurm",
		Long:  "Reads the open jobs from datalad-slurm's database (default: the dataset's own),\nwhich is not changed.",
		Args:  atMost(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.importJobs(cmd.Context(), o, strings.Join(args, ""))
		},
	}
	cmd.Flags().StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	o.scheduler.flags(cmd.Flags())
	return cmd
}

func (a *app) importJobs(ctx context.Context, o settleOptions, file string) error {
	d, err := a.open(ctx, o.dataset, "import jobs")
	if err != nil {
		return err
	}
	s, err := a.scheduler(o.scheduler)
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	if file != "" {
		file = a.abs(file)
	}
	return jobs.Import(ctx, d, s, file, sink)
}

// claimNumber reads "#3" or "3"; "" is 0.
func claimNumber(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64)
	if err != nil || n < 1 {
		return 0, errs.WithExit(fmt.Errorf("'%s' is no claim: write #N", text), errs.ExitUsage)
	}
	return n, nil
}

// exactly is for commands that need n arguments.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < n {
			return &misuse{errs.WithExit(errors.New("too few arguments: "+what+" is missing"), errs.ExitUsage)}
		}
		return atMost(n)(cmd, args)
	}
}
