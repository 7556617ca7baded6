package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
)

type jobsOptions struct {
	dataset                string
	json, watch, all, open bool
	since                  ageOrDate
	scheduler              schedulerOption
}

func newJobs(a *app) *cobra.Command {
	var o jobsOptions
	cmd := &cobra.Command{
		Use:   "jobs [OPTIONS] [JOB-ID]",
		Short: "List open and past jobs",
		Long: "Lists the jobs that are open and those that were closed last: id, name, state,\n" +
			"since when, outputs, and the commit of the results.",
		GroupID: groupJobs,
		Args:    atMost(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.jobs(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.BoolVar(&o.json, "json", false, "one JSON object per line")
	f.BoolVarP(&o.watch, "watch", "w", false, "again and again, until no job runs any more")
	f.BoolVarP(&o.all, "all", "a", false, "all past jobs")
	f.Var(&o.since, "since", "past jobs that were closed since `AGE|DATE`, such as 12h, 30d, 2026-01-31")
	f.BoolVar(&o.open, "open", false, "no past jobs")
	o.scheduler.flags(f)
	cmd.AddCommand(newJobsAdopt(a), newJobsRelease(a), newJobsImport(a), newJobsPrune(a))
	return cmd
}

func (a *app) jobs(ctx context.Context, o jobsOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "list jobs")
	if err != nil {
		return err
	}
	s, err := a.scheduler(o.scheduler)
	if err != nil {
		return err
	}
	opt := jobs.ListOptions{All: !o.open, JobID: strings.Join(args, ""), Since: o.since.value}
	if !o.all && o.since.value.IsZero() {
		opt.Recent = maxPast
	}
	show := func(rows []jobs.Row) (err error) {
		out := bufio.NewWriter(a.stdout)
		defer func() { err = errors.Join(err, out.Flush()) }()
		if opt.JobID != "" && len(rows) == 0 {
			return errs.WithHint(fmt.Errorf("job %s: %w", opt.JobID, jobdb.ErrUnknownJob), "see `%s jobs --all`", a.name)
		}
		if o.json || a.machine() {
			return showJSON(out, rows)
		}
		return showTable(out, rows)
	}
	if o.watch {
		return jobs.Watch(ctx, d, s, opt, show)
	}
	a.spareTime()
	rows, err := jobs.List(ctx, d, s, opt)
	if err != nil {
		return err
	}
	return show(rows)
}

// maxPast is how many past jobs are listed where --all is not given.
const maxPast = 20

func showJSON(w io.Writer, rows []jobs.Row) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func showTable(w io.Writer, rows []jobs.Row) error {
	if len(rows) == 0 {
		_, err := io.WriteString(w, "no jobs\n")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tNAME\tSTATE\tSINCE\tOUTPUTS\tCOMMIT")
	for _, r := range rows {
		id, commit := r.ID, string(r.Commit)
		if id == "" {
			id = fmt.Sprintf("#%d", r.Row)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", id, cell(r.Name, 24), r.State, since(r.Since),
			cell(strings.Join(r.Outputs, " "), 48), commit[:min(len(commit), 10)])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.Note != "" {
			if _, err := fmt.Fprintf(w, "job %s: %s\n", jobName(r), r.Note); err != nil {
				return err
			}
		}
	}
	return nil
}

func jobName(r jobs.Row) string {
	if r.ID != "" {
		return r.ID
	}
	return fmt.Sprintf("#%d", r.Row)
}

// cell makes text fit into a table of one line per job.
func cell(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}

func since(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}
