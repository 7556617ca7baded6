package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// jobTool is a program that schedules and finishes jobs.
type jobTool struct {
	name     string // without the verb
	program  string
	schedule []string // arguments before the outputs
	finish   []string // arguments before the job id
	list     []string // lists open jobs
	missing  string
}

// jobTools are stemma and, where it is installed, DataLad's extension.
func (b *bench) jobTools(ctx context.Context) []jobTool {
	absent := b.absent(ctx, "schedule")
	if absent == "" {
		absent = b.absent(ctx, "finish")
	}
	tools := []jobTool{
		{"stemma ", b.stemma, []string{"schedule", "--scheduler", "slurm"}, []string{"finish", "--scheduler", "slurm"}, []string{"finish", "--scheduler", "slurm", "--list-open-jobs"}, absent},
		{"datalad slurm-", "datalad", []string{"slurm-schedule"}, []string{"slurm-finish", "--slurm-job-id"}, []string{"slurm-finish", "--list-open-jobs"}, b.noExtension(ctx)},
	}
	if !b.slurm {
		for i := range tools {
			tools[i].missing = noSlurm
		}
	}
	return tools
}

const noSlurm = "no private Slurm here"

// scheduling is the command that schedules the job on a new folder of r.
func (t jobTool) scheduling(r *repo) command {
	folder := r.fresh("jobs")
	text, binary := outputs(folder)
	argv := append([]string{t.program}, t.schedule...)
	return in(r.dir, append(argv, "-o", text, "-o", binary, "sbatch", "job.sh", folder)...)
}

// finishing is the command that finishes the job id.
func (t jobTool) finishing(r *repo, id string) command {
	argv := append([]string{t.program}, t.finish...)
	return in(r.dir, append(argv, id)...)
}

// finishingAll is the command that finishes every job that is over.
func (t jobTool) finishingAll(r *repo) command {
	argv := []string{t.program, t.finish[0]}
	for _, word := range t.finish[1:] {
		if word != "--slurm-job-id" {
			argv = append(argv, word)
		}
	}
	return in(r.dir, argv...)
}

var jobLine = regexp.MustCompile(`(?m)^\s*(\d+)\s+[A-Z]`)

// open lists the tool's open jobs.
func (t jobTool) open(ctx context.Context, b *bench, r *repo) ([]string, error) {
	out, err := b.output(ctx, r.dir, append([]string{t.program}, t.list...)...)
	var ids []string
	for _, m := range jobLine.FindAllStringSubmatch(out, -1) {
		ids = append(ids, m[1])
	}
	if err != nil && len(ids) == 0 {
		return nil, fmt.Errorf("list open jobs: %w", err)
	}
	return ids, nil
}

// schedule submits n jobs and waits until they are over.
func (b *bench) schedule(ctx context.Context, t jobTool, r *repo, n int) error {
	for range n {
		if err := b.must(ctx, t.scheduling(r)); err != nil {
			return err
		}
	}
	return b.jobsOver(ctx)
}

// jobsOver waits until no job of the private cluster runs, accounting agrees,
// and the second has passed in which new files are racy.
func (b *bench) jobsOver(ctx context.Context) error {
	deadline := time.Now().Add(2 * time.Minute)
	for time.Now().Before(deadline) {
		queue, err := b.output(ctx, "", "squeue", "-h", "-o", "%i")
		if err != nil {
			return fmt.Errorf("squeue: %w", err)
		}
		if queue == "" && b.accounted(ctx) {
			time.Sleep(1200 * time.Millisecond)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(200 * time.Millisecond)
	}
	return fmt.Errorf("jobs are not over after two minutes")
}

func (b *bench) accounted(ctx context.Context) bool {
	out, err := b.output(ctx, "", "sacct", "-X", "-n", "-P", "-o", "State")
	states := strings.Fields(out)
	return err == nil && !slices.Contains(states, "PENDING") && !slices.Contains(states, "RUNNING") && !slices.Contains(states, "COMPLETING")
}
