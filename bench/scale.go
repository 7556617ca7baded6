package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The rows that limits refer to.
const (
	ownFinish   = "stemma finish, one job"
	gitPlain    = "git add; git commit, without git-annex's hook and filter"
	dataladSave = "datalad save PATH"
)

// scaleSingle compares one job by the number of tracked files.
func scaleSingle(ctx context.Context, b *bench) error {
	if b.slurm {
		for _, n := range b.sizes {
			if err := b.scheduleAt(ctx, n); err != nil {
				return err
			}
		}
	}
	b.embedded()
	var lines []line
	for _, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		progress("finish of one job among %s files", thousands(n))
		b.section("One job among %s tracked files: one text and one binary output", thousands(n))
		if err := b.wakeAnnex(ctx, r); err != nil {
			return err
		}
		stats, err := b.compare(ctx, b.reps(5), b.singles(ctx, r)...)
		if err != nil {
			return err
		}
		b.timing(ownFinish, stats)
		b.checkSingle(n, stats)
		for _, s := range stats {
			if s.measured() {
				lines = addPoint(lines, "", s.name, float64(n), trial{took: s.wall()})
			}
		}
		if err := b.splitIndex(ctx, r); err != nil {
			return err
		}
	}
	b.plot("one-job", "Committing the two outputs of one job", "tracked files", "seconds", lines)
	return nil
}

// scheduleAt compares schedule with what it cannot avoid.
func (b *bench) scheduleAt(ctx context.Context, n int) error {
	r, err := b.repository(ctx, n)
	if err != nil {
		return err
	}
	progress("schedule among %s files", thousands(n))
	b.section("Schedule among %s tracked files", thousands(n))
	contenders, err := b.plainSlurm()
	if err != nil {
		return err
	}
	tool := b.jobTools(ctx)[0]
	contenders = append(contenders, contender{name: "stemma schedule", command: func(int) command { return tool.scheduling(r) }})
	stats, err := b.compare(ctx, b.reps(21), contenders...)
	if err != nil {
		return err
	}
	b.timing("stemma schedule", stats)
	if stats[1].measured() && stats[2].measured() {
		over := stats[2].over(stats[1])
		b.checked(fmt.Sprintf("schedule over sbatch and scontrol, %s files", thousands(n)), "10 ms", over <= 10*time.Millisecond, "%s", show(over))
	}
	return b.jobsOver(ctx)
}

// openOne makes sure that exactly one job is over and open.
func (b *bench) openOne(ctx context.Context, r *repo) error {
	tool := jobTool{name: "stemma ", program: b.stemma, schedule: []string{"schedule"}}
	if err := b.must(ctx, tool.scheduling(r)); err != nil {
		return err
	}
	return b.localJobsOver(ctx, r)
}

func (b *bench) singles(ctx context.Context, r *repo) []contender {
	saver := func(name, missing string, argv ...string) contender {
		var files []string
		return contender{name: name, missing: missing,
			prepare: func(context.Context, int) (err error) {
				files, err = r.write()
				time.Sleep(1200 * time.Millisecond)
				return err
			},
			command: func(int) command { return in(r.dir, append(argv[:len(argv):len(argv)], files...)...) }}
	}
	return []contender{
		{name: ownFinish, missing: b.absent(ctx, "finish"), prepare: func(ctx context.Context, _ int) error { return b.openOne(ctx, r) },
			command: func(int) command { return in(r.dir, b.stemma, "finish") }},
		saver(gitPlain, "", "sh", "-c", plainGit+`$git add "$@" && $git commit -q -m 'new files'`, "sh"),
		saver("git add; git commit", b.crawling("git-annex", r.files), "sh", "-c", `git add "$@" && git commit -q -m 'new files'`, "sh"),
		saver("git annex add; git commit", b.crawling("git-annex", r.files), "sh", "-c", `git annex add -q "$@" && git commit -q -m 'new files' -- "$@"`, "sh"),
		saver(dataladSave, b.crawling("datalad", r.files), "datalad", "save", "-m", "new files"),
	}
}

// plainGit is git as it is in a repository without an annex.
const plainGit = `git='git -c core.hooksPath=/dev/null -c filter.annex.process= -c filter.annex.clean= -c filter.annex.smudge='; `

// wakeAnnex lets git-annex go through the whole tree once, as it does in a clone
// that it sees for the first time: a minute per half a million files, which no
// later command pays.
func (b *bench) wakeAnnex(ctx context.Context, r *repo) error {
	if b.crawling("git-annex", r.files) != "" {
		return nil
	}
	files, err := r.write()
	if err != nil {
		return err
	}
	return b.must(ctx, in(r.dir, append([]string{"sh", "-c", `git annex add -q "$@" && git commit -q -m 'first files' -- "$@"`, "sh"}, files...)...))
}

func wallOf(stats []stat, name string) (time.Duration, bool) {
	for _, s := range stats {
		if s.name == name {
			return s.wall(), s.measured()
		}
	}
	return 0, false
}

func (b *bench) checkSingle(n int, stats []stat) {
	own, ok := wallOf(stats, ownFinish)
	if !ok {
		return
	}
	at := ", " + thousands(n) + " files"
	if git, ok := wallOf(stats, gitPlain); ok && n >= 1_000_000 {
		b.checked("finish of one job"+at, "1/8 of git add; git commit", 8*own <= git, "1/%.1f", float64(git)/float64(own))
	}
	if peer, ok := wallOf(stats, dataladSave); ok && n >= 200_000 {
		b.checked("finish of one job"+at, "1/20 of datalad save", 20*own <= peer, "1/%.1f", float64(peer)/float64(own))
	}
}

// splitIndex measures finish where git keeps most of the index in a file that
// it shares between versions.
func (b *bench) splitIndex(ctx context.Context, r *repo) error {
	if err := b.must(ctx, in(r.dir, "git", "update-index", "--split-index")); err != nil {
		return err
	}
	if err := settle(r); err != nil {
		return err
	}
	stats, err := b.compare(ctx, b.reps(5), b.singles(ctx, r)[:2]...)
	if err != nil {
		return err
	}
	b.note("With git's split index:")
	b.timing(ownFinish, stats)
	if own, ok := wallOf(stats, ownFinish); ok {
		b.checked("finish of one job with a split index, "+thousands(r.files)+" files", "60 ms", own < 60*time.Millisecond, "%s", show(own))
	}
	return b.joinIndex(ctx, r)
}

// scaleBatch finishes a thousand jobs in one call.
func scaleBatch(ctx context.Context, b *bench) error {
	if err := b.useStandIn(); err != nil {
		return err
	}
	jobs := 1000
	if b.quick {
		jobs = 100
	}
	for _, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		progress("finish of %s jobs among %s files", thousands(jobs), thousands(n))
		stats, err := b.compare(ctx, 1, contender{name: fmt.Sprintf("stemma finish, %s jobs", thousands(jobs)),
			prepare: func(ctx context.Context, _ int) error { return b.sweep(ctx, r, jobs, 2) },
			command: func(int) command { return in(r.dir, b.stemma, "finish") }})
		if err != nil {
			return err
		}
		b.section("%s jobs in one call, %s tracked files", thousands(jobs), thousands(n))
		b.timing(stats[0].name, stats)
		if stats[0].measured() {
			each := stats[0].wall() / time.Duration(jobs)
			b.checked(fmt.Sprintf("finish of %s jobs, per job, %s files", thousands(jobs), thousands(n)), "6 ms", each <= 6*time.Millisecond, "%s", show(each))
		}
	}
	return nil
}

// manyScript writes as many pairs of files as its second argument says.
const manyScript = `#!/bin/sh
mkdir -p "$1"
i=0
while [ $i -lt "$2" ]; do
	echo "text $1 $i" > "$1/$i.txt"
	printf 'bin\000\001 %s %s' "$1" $i > "$1/$i.bin"
	i=$((i+1))
done
`

// sweep makes jobs that are over, with that many outputs each, in a folder of
// their own.
func (b *bench) sweep(ctx context.Context, r *repo, jobs, outputs int) error {
	script := filepath.Join(b.tmp, "many.sh")
	var rows strings.Builder
	rows.WriteString("folder\n")
	for range jobs {
		fmt.Fprintln(&rows, r.nested("sweep"))
	}
	table := filepath.Join(b.tmp, "sweep.csv")
	for file, content := range map[string]string{script: manyScript, table: rows.String()} {
		if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
			return err
		}
	}
	argv := []string{b.stemma, "schedule", "--sweep", table}
	for i := range outputs / 2 {
		argv = append(argv, "-o", fmt.Sprintf("{folder}/%d.txt", i), "-o", fmt.Sprintf("{folder}/%d.bin", i))
	}
	dir := filepath.Join(r.dir, r.fresh("campaign")) // where the log files go
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := b.must(ctx, in(dir, append(argv, "sbatch", script, "{folder}", fmt.Sprint(outputs/2))...)); err != nil {
		return err
	}
	return b.localJobsOver(ctx, r)
}

// scaleTree compares what must look at every file.
func scaleTree(ctx context.Context, b *bench) error {
	for _, n := range b.sizes {
		r, err := b.repository(ctx, n)
		if err != nil {
			return err
		}
		progress("status and save of the whole tree, %s files", thousands(n))
		b.section("The whole tree of %s files", thousands(n))
		own, git, peer := statusers(ctx, b, r)
		stats, err := b.compare(ctx, b.reps(5), own, git, peer)
		if err != nil {
			return err
		}
		b.timing(own.name, stats)
		b.checkTree(n, stats)
		if stats, err = b.compare(ctx, b.reps(3), b.treeSavers(ctx, r)...); err != nil {
			return err
		}
		b.note("Save of one new text file that is not named:")
		b.timing("stemma save", stats)
	}
	return nil
}

func (b *bench) checkTree(n int, stats []stat) {
	own, ok := wallOf(stats, "stemma status")
	if !ok {
		return
	}
	at := ", " + thousands(n) + " files"
	if git, ok := wallOf(stats, "git status"); ok && n >= 200_000 {
		b.checked("whole-tree status"+at, "1.2 × git status", float64(own) <= 1.2*float64(git), "%.2f ×", float64(own)/float64(git))
	}
	if peer, ok := wallOf(stats, "datalad status"); ok && n >= 200_000 {
		b.checked("whole-tree status"+at, "1/50 of datalad status", 50*own <= peer, "1/%.0f", float64(peer)/float64(own))
	}
}
