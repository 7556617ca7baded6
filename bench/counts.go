package main

import (
	"context"
	"fmt"
)

// counted is a command whose system calls are counted.
type counted struct {
	name, missing string
	slow          bool // on the whole tree: hardly bearable under strace in big repositories
	next          func(context.Context) (command, error)
}

// counts reports system calls and processes, by repository size.
func counts(ctx context.Context, b *bench) error {
	b.section("System calls and processes")
	b.note("Each cell: system calls (`strace -f -c`) / calls that name a path inside the repository (`strace -f -e trace=%%file`) / processes started beside the command itself; children included.")
	if why := lacking("strace"); why != "" {
		b.note("Not measured: strace is %s.", why)
		return nil
	}
	header, rows := []string{""}, [][]string{}
	seen := map[string][]census{}
	for column, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		header = append(header, thousands(n)+" files")
		for i, c := range b.toCount(ctx, r) {
			if column == 0 {
				rows = append(rows, []string{c.name})
			}
			progress("counting %s among %s files", c.name, thousands(n))
			found, cell := b.cell(ctx, r, c)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			rows[i] = append(rows[i], cell)
			seen[c.name] = append(seen[c.name], found)
		}
	}
	b.table(header, rows)
	b.kinds(rows, seen)
	b.checkCounts(seen)
	return nil
}

// cell counts one command in one repository.
func (b *bench) cell(ctx context.Context, r *repo, c counted) (census, string) {
	if c.missing != "" {
		return census{}, c.missing
	}
	if c.slow && r.files > 50_000 {
		return census{}, "not counted"
	}
	found, err := b.count(ctx, r.dir, func() (command, error) {
		next, err := c.next(ctx)
		if err != nil {
			return next, err
		}
		return next, settle(r)
	})
	if err != nil {
		progress("%s: %v", c.name, err)
		return census{}, "failed: " + err.Error()
	}
	return found, fmt.Sprintf("%s / %s / %d", thousands(found.calls), thousands(found.inside), found.processes)
}

// toCount lists the commands, always in the same order.
func (b *bench) toCount(ctx context.Context, r *repo) []counted {
	var list []counted
	for _, c := range append(b.savers(ctx, r), b.runners(ctx, r)...) {
		list = append(list, fromContender(c))
	}
	list = append(list, counted{name: "git status", next: func(context.Context) (command, error) { return in(r.dir, "git", "status"), nil }},
		counted{name: "stemma status", missing: b.absent(ctx, "status"), next: func(context.Context) (command, error) { return in(r.dir, b.stemma, "status"), nil }},
		counted{name: "datalad status", missing: lacking("datalad"), slow: true, next: func(context.Context) (command, error) { return in(r.dir, "datalad", "status"), nil }})
	for i, c := range b.treeSavers(ctx, r) {
		tree := fromContender(c)
		tree.name += " (whole tree)"
		tree.slow = i == 2
		list = append(list, tree)
	}
	return append(list, b.jobsToCount(ctx, r)...)
}

func fromContender(c contender) counted {
	return counted{name: c.name, missing: c.missing, next: func(ctx context.Context) (command, error) {
		if c.prepare != nil {
			if err := c.prepare(ctx, 0); err != nil {
				return command{}, err
			}
		}
		return c.command(0), nil
	}}
}

const (
	lineAlone      = "sh -c sbatch (the user's own line)"
	stemmaSchedule = "stemma schedule"
	stemmaFinish   = "stemma finish, one job"
)

func (b *bench) jobsToCount(ctx context.Context, r *repo) []counted {
	missing := ""
	if !b.slurm {
		missing = noSlurm
	}
	list := []counted{{name: lineAlone, missing: missing, next: func(context.Context) (command, error) {
		return in(r.dir, "sh", "-c", "sbatch job.sh "+r.fresh("alone")), nil
	}}}
	for _, t := range b.jobTools(ctx) {
		schedule := func(context.Context) (command, error) { return t.scheduling(r), nil }
		one := func(ctx context.Context) (command, error) { return t.finishingAll(r), b.onlyOpen(ctx, t, r, 1) }
		three := func(ctx context.Context) (command, error) { return t.finishingAll(r), b.onlyOpen(ctx, t, r, 3) }
		list = append(list, counted{t.name + "schedule", t.missing, false, schedule},
			counted{t.name + "finish, one job", t.missing, false, one}, counted{t.name + "finish, three jobs", t.missing, false, three})
	}
	return list
}

// kinds tells which calls the largest repository sees most.
func (b *bench) kinds(rows [][]string, seen map[string][]census) {
	var table [][]string
	for _, row := range rows {
		of := seen[row[0]]
		if last := of[len(of)-1]; last.inside > 0 {
			table = append(table, []string{row[0], last.top(6)})
		}
	}
	b.note("The most frequent calls inside the repository of %s files:", thousands(b.sizes[len(b.sizes)-1]))
	b.table([]string{"", "calls"}, table)
}

// checkCounts compares with the limits that the project set itself.
func (b *bench) checkCounts(seen map[string][]census) {
	for i, n := range b.sizes {
		schedule, own, finish := seen[stemmaSchedule][i], seen[lineAlone][i], seen[stemmaFinish][i]
		at := ", " + thousands(n) + " files"
		if schedule.inside > 0 {
			extra := schedule.processes - own.processes - 1 // the shell of the user's line is a process of its own here
			b.checked("schedule, calls inside the repository"+at, "100", schedule.inside <= 100, "%d", schedule.inside)
			b.checked("schedule, processes beside the user's line"+at, "4", extra <= 4, "%d", extra)
		}
		if finish.inside > 0 {
			b.checked("finish of one job, calls inside the repository"+at, "450", finish.inside <= 450, "%d", finish.inside)
			b.checked("finish of one job, processes"+at, "10", finish.processes <= 10, "%d", finish.processes)
		}
	}
	b.checkGrowth(seen, stemmaSchedule)
	b.checkGrowth(seen, stemmaFinish)
}

// checkGrowth compares the two largest repositories.
func (b *bench) checkGrowth(seen map[string][]census, name string) {
	k := len(b.sizes)
	if k < 2 || seen[name][k-2].inside == 0 || seen[name][k-1].inside == 0 {
		return
	}
	small, large := seen[name][k-2].inside, seen[name][k-1].inside
	growth := 100 * float64(large-small) / float64(small)
	b.checked(fmt.Sprintf("%s: calls at %s against %s files", name, thousands(b.sizes[k-1]), thousands(b.sizes[k-2])), "± 5 %", growth >= -5 && growth <= 5, "%+.1f %%", growth)
}
