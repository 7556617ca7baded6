package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/stemma-data/stemma/internal/jobs/stages"
	"github.com/stemma-data/stemma/internal/stage"
)

func newStage(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stage COMMAND",
		Short: "List and remove the folders of isolated jobs",
		Long: "Jobs that are scheduled with --isolated DIR run in folders of their own below\n" +
			"DIR. These are kept while the job is open; afterwards `stage prune` removes them.\n" +
			"Files that jobs have in common are kept once, in a pool in DIR, and linked into\n" +
			"the folders read-only. Where the file system can share blocks (reflinks), annexed\n" +
			"content is cloned instead. Root gets copies, since nothing protects a shared file\n" +
			"from root.",
		GroupID: groupJobs,
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newStageList(a), newStagePrune(a))
	return cmd
}

type stageOptions struct {
	dataset      string
	json, dryRun bool
}

func newStageList(a *app) *cobra.Command {
	var o stageOptions
	cmd := &cobra.Command{
		Use:   "list [OPTIONS]",
		Short: "List the folders that jobs have outside of the dataset",
		Long: "Lists the folders of isolated jobs, open and past, the copies of open jobs in\n" +
			"alternative folders (--alt-dir) as far as they are known, and the pools: the job,\n" +
			"its state, the number of files, their size, and the inodes that they cost.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.stageList(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.BoolVar(&o.json, "json", false, "one JSON object per line")
	return cmd
}

func newStagePrune(a *app) *cobra.Command {
	var o stageOptions
	cmd := &cobra.Command{
		Use:   "prune [OPTIONS]",
		Short: "Remove the folders of past isolated jobs",
		Long: "Removes the folders of isolated jobs that are closed, and from the pools what no\n" +
			"folder holds any more. Folders of open jobs stay, and so does all that jobs have\n" +
			"left in alternative folders.",
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.stagePrune(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "show what would be removed, and remove nothing")
	f.BoolVar(&o.json, "json", false, "one JSON object per line")
	return cmd
}

func (a *app) stageList(ctx context.Context, o stageOptions) error {
	d, err := a.open(ctx, o.dataset, "list staging folders")
	if err != nil {
		return err
	}
	stages, pools, err := stages.List(ctx, d)
	if err != nil {
		return err
	}
	if o.json || a.machine() {
		return stagesJSON(a.stdout, stages, pools)
	}
	return stageTable(a.stdout, stages, pools)
}

func stagesJSON(w io.Writer, stages []stages.Stage, pools []stages.Pool) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, s := range stages {
		if err := enc.Encode(s); err != nil {
			return err
		}
	}
	for _, p := range pools {
		if err := enc.Encode(p); err != nil {
			return err
		}
	}
	return nil
}

func stageTable(w io.Writer, stages []stages.Stage, pools []stages.Pool) error {
	if len(stages)+len(pools) == 0 {
		_, err := io.WriteString(w, "no staging folders\n")
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "JOB\tSTATE\tFILES\tBYTES\tINODES\tSHARED\tFOLDER")
	row := func(job, state string, u stage.Usage, folder string) {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%s\n", job, state, u.Files, u.Bytes, u.Inodes, u.Shared, plain(folder))
	}
	for _, s := range stages {
		row(stageJob(s), stageState(s), s.Usage, s.Folder)
	}
	for _, p := range pools {
		row("-", p.Kind, p.Usage, p.Root)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range stages {
		if s.Note != "" {
			if _, err := fmt.Fprintf(w, "job %s: %s\n", stageJob(s), s.Note); err != nil {
				return err
			}
		}
	}
	return nil
}

func stageJob(s stages.Stage) string {
	switch {
	case s.JobID != "":
		return s.JobID
	case s.Row != 0:
		return fmt.Sprintf("#%d", s.Row)
	}
	return "-"
}

func stageState(s stages.Stage) string {
	state := s.State
	if s.Kind != "isolated" {
		state += ", " + s.Kind
	}
	if s.Missing {
		state += ", folder gone"
	}
	return state
}

// plain quotes what would break a line.
func plain(path string) string {
	if quoted := strconv.Quote(path); quoted != `"`+path+`"` {
		return quoted
	}
	return path
}

func (a *app) stagePrune(ctx context.Context, o stageOptions) error {
	d, err := a.open(ctx, o.dataset, "remove staging folders")
	if err != nil {
		return err
	}
	p, err := stages.Prune(ctx, d, o.dryRun)
	if o.json || a.machine() {
		if jerr := stagesJSON(a.stdout, p.Stages, p.Pools); err == nil {
			err = jerr
		}
		return err
	}
	verb := "removed"
	if o.dryRun {
		verb = "would remove"
	}
	for _, s := range p.Stages {
		fmt.Fprintf(a.stdout, "%s %s (job %s, %s, %d inodes)\n", verb, plain(s.Folder), stageJob(s), stageState(s), s.Inodes)
	}
	for _, pool := range p.Pools {
		fmt.Fprintf(a.stdout, "%s %d unused file(s) with %d bytes from the pool in %s\n", verb, pool.Files, pool.Bytes, plain(pool.Root))
	}
	if len(p.Stages)+len(p.Pools) == 0 {
		fmt.Fprintln(a.stdout, "nothing to remove")
	}
	if p.Kept > 0 {
		fmt.Fprintf(a.stdout, "kept %d folder(s) of open jobs\n", p.Kept)
	}
	return err
}
