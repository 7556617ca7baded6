package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/clone"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
)

type getOptions struct {
	source, dataset, description string
	reckless                     recklessness
	procedures                   []string
	noData                       bool
	data                         choice
	recursion                    recursion
	jobs                         parallel
}

func newGet(a *app) *cobra.Command {
	o := getOptions{data: newChoice("anything", "anything", "nothing", "auto", "auto-if-wanted")}
	cmd := &cobra.Command{
		Use:   "get [OPTIONS] [PATH ...]",
		Short: "Bring the content of annexed files here",
		Long: "Fetches the content of annexed files from other repositories that have it, and\n" +
			"the subdatasets that PATH lies in. With --dataset and without PATH: everything.\n\n" +
			"URLs, web servers and S3 are asked only at public addresses. For a server on a\n" +
			"private network or this machine:\n" +
			"  git config annex.security.allowed-ip-addresses '10.1.2.3 10.1.2.4:8080'\n" +
			"(or `all`, if everybody who can write to the dataset is trusted). A source that\n" +
			"sends nothing for five minutes is given up; annex.stalldetection changes that.",
		Example: "  stemma get raw/subject1\n  stemma get -n -r .      # all subdatasets, without content",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.get(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.source, "source", "s", "", "only from the remote `LABEL`")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	o.recursion.flags(f)
	f.BoolVarP(&o.noData, "no-data", "n", false, "subdatasets only, no content")
	f.Var(&o.data, "data", "which content: `WHICH` anything or nothing")
	f.VarP(&o.jobs, "jobs", "J", jobsHelp)
	f.StringVarP(&o.description, "description", "D", "", "describe the place of subdatasets that are obtained, as `TEXT`")
	o.reckless.flag(f)
	f.StringArrayVarP(&o.procedures, "cfg-proc", "c", nil, "configure subdatasets that are obtained with procedure `NAME`; repeatable")
	return cmd
}

func (a *app) get(ctx context.Context, o getOptions, args []string) error {
	if o.data.value == "auto" || o.data.value == "auto-if-wanted" {
		return errs.WithExit(errors.New("get: --data "+o.data.value+" is not supported yet"), errs.ExitUsage)
	}
	if o.dataset == "" && len(args) == 0 {
		return &misuse{errs.WithExit(errs.WithHint(errors.New("get: neither a dataset nor a path is given"),
			"`get .` brings everything below this folder"), errs.ExitUsage)}
	}
	line := a.watchTransfers()
	defer line.clear()
	d, err := a.open(ctx, o.dataset, "get content of")
	if err != nil {
		return err
	}
	opt := clone.GetOptions{
		Paths: args, Source: o.source, Jobs: int(o.jobs), NoData: o.noData || o.data.value == "nothing",
		Reckless: string(o.reckless), Description: o.description, Procedures: o.procedures, Top: a.getenv("DATALAD_DATASETS_TOPURL"),
	}
	if o.recursion.limit == "existing" {
		opt.Existing = true
		if o.recursion.on {
			opt.Levels = dataset.AllLevels
		}
	} else if opt.Levels, err = o.recursion.levels(); err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return clone.Get(ctx, d, opt, line.sink(sink))
}
