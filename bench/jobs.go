package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	sbatchAlone = "sbatch"
	sbatchShow  = "sbatch and one scontrol show job"
)

// jobs compares scheduling and finishing on a private Slurm, by repository size.
func jobs(ctx context.Context, b *bench) error {
	if !b.slurm {
		b.section("Jobs")
		b.note("Not measured: %s.", noSlurm)
		return nil
	}
	for _, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		progress("jobs among %s files", thousands(n))
		b.section("Jobs among %s tracked files (one text and one binary output each)", thousands(n))
		if err := b.scheduleTimes(ctx, r); err != nil {
			return err
		}
		if err := b.finishTimes(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// plainSlurm are the limits: what the user does without any tool.
func (b *bench) plainSlurm() ([]contender, error) {
	dir := filepath.Join(b.tmp, "plain")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "job.sh"), []byte(jobScript), 0o755); err != nil {
		return nil, err
	}
	alone := func(i int) command { return in(dir, "sbatch", "job.sh", fmt.Sprintf("out/%d", i)) }
	show := func(i int) command {
		return sh(dir, `id=$(sbatch --parsable job.sh "$1") && scontrol show job "$id"`, fmt.Sprintf("out/s%d", i))
	}
	return []contender{{name: sbatchAlone, command: alone}, {name: sbatchShow, command: show}}, nil
}

func (b *bench) scheduleTimes(ctx context.Context, r *repo) error {
	contenders, err := b.plainSlurm()
	if err != nil {
		return err
	}
	for _, t := range b.jobTools(ctx) {
		contenders = append(contenders, contender{name: t.name + "schedule", missing: t.missing,
			command: func(int) command { return t.scheduling(r) }})
	}
	stats, err := b.compare(ctx, b.reps(21), contenders...)
	if err != nil {
		return err
	}
	b.timing("stemma schedule", stats)
	if stats[1].measured() && stats[2].measured() {
		over := stats[2].over(stats[1])
		b.note("`stemma schedule` over `sbatch` and one `scontrol show job`: %s (median of the differences).", show(over))
		b.checked(fmt.Sprintf("schedule over sbatch and scontrol, %s files", thousands(r.files)), "12 ms", over <= 12*time.Millisecond, "%s", show(over))
	}
	return b.jobsOver(ctx)
}

// finishTimes finishes the jobs of scheduleTimes one by one, then fifteen at once.
func (b *bench) finishTimes(ctx context.Context, r *repo) error {
	tools := b.jobTools(ctx)
	var one, fifteen []contender
	reps := b.reps(9)
	for _, t := range tools {
		c := contender{name: t.name + "finish", missing: t.missing}
		if t.missing == "" {
			ids, err := t.open(ctx, b, r)
			if err != nil || len(ids) < reps {
				c.missing = fmt.Sprintf("%d open jobs, %d expected: %v", len(ids), reps, err)
			}
			c.command = func(i int) command { return t.finishing(r, ids[i]) }
		}
		one = append(one, c)
		fifteen = append(fifteen, contender{name: t.name + "finish", missing: t.missing,
			prepare: func(ctx context.Context, _ int) error { return b.onlyOpen(ctx, t, r, 15) },
			command: func(int) command { return t.finishingAll(r) }})
	}
	stats, err := b.compare(ctx, reps, one...)
	if err != nil {
		return err
	}
	b.note("One job:")
	b.timing("stemma finish", stats)
	if stats, err = b.compare(ctx, b.reps(3), fifteen...); err != nil {
		return err
	}
	b.note("Fifteen jobs in one call:")
	b.timing("stemma finish", stats)
	return nil
}

// onlyOpen finishes what is open and schedules n new jobs.
func (b *bench) onlyOpen(ctx context.Context, t jobTool, r *repo, n int) error {
	if err := b.jobsOver(ctx); err != nil {
		return err
	}
	ids, err := t.open(ctx, b, r)
	if err != nil {
		return err
	}
	if len(ids) > 0 {
		if err := b.must(ctx, t.finishingAll(r)); err != nil {
			return err
		}
	}
	return b.schedule(ctx, t, r, n)
}
