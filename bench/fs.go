package main

import (
	"context"
	"fmt"
	"time"
)

// batchSize is the number of jobs that one finish commits together.
const batchSize = 50

// fileSystems compares commands on the simulated file systems.
func fileSystems(ctx context.Context, b *bench) error {
	if why := noMount(); why != "" {
		b.section("Simulated file systems")
		b.note("Not measured: %s.", why)
		return nil
	}
	b.embedded()
	b.section("What is counted")
	b.note("%s", whatIsCounted)
	finish := map[string][]trial{}
	var lines []line
	for _, profile := range b.profiles {
		for _, n := range b.sizesOn(profile) {
			progress("commands on %s, %s files", profile, thousands(n))
			var trials []trial
			var calls census
			err := b.onProfile(ctx, profile, n, func(m *mount) (err error) {
				if trials, err = m.commands(ctx); err == nil && profile == "local" {
					calls, err = m.tracedBatch(ctx)
				}
				return err
			})
			if err != nil {
				return err
			}
			b.fsTable(profile, n, trials)
			if calls.inside > 0 {
				b.checked(fmt.Sprintf("calls on paths in the repository by one finish of %d jobs (strace), %s files", batchSize, thousands(n)),
					thousands(batchLimit), calls.inside <= batchLimit, "%s", thousands(calls.inside))
			}
			finish[profile] = append(finish[profile], trials[batchRow])
			for _, t := range trials {
				lines = addPoint(lines, profile, t.name, float64(n), t)
			}
		}
	}
	b.checkBatches(finish)
	for _, profile := range b.profiles {
		b.plot("fs-"+profile, "Seconds per job or command on "+profile, "tracked files", "seconds", linesOf(lines, profile))
	}
	b.compareProfiles(finish)
	return nil
}

const whatIsCounted = "Two things are counted. *Calls on paths* are the system calls, children included, that name a path in the repository, as `strace` sees them; " +
	"the peers' operations were counted like that, and the project's own limits mean them. *Questions* are what the simulated file system is asked " +
	"(stat of a path or an open file, open, create, link, unlink, rename, mkdir, chmod, reading a folder, fsync), one for each such call; what only moves content is left out. " +
	"To find the file of a call the kernel also looks up each name on the way to it. The simulated file system answers these look-ups, too, and lets them wait, for it allows no cache; " +
	"the clients of Lustre and GPFS answer them from their memory as long as nobody changes the folder. They stand in a column of their own and are part of every time here."

// sizesOn leaves large repositories out where each name costs 3 ms.
func (b *bench) sizesOn(profile string) []int {
	if profile == "nfs" {
		return b.sizes[:1]
	}
	return b.sizes
}

// batchLimit is what one finish of fifty jobs with two outputs each may ask.
const batchLimit = 150 + 20*2*batchSize

// tracedBatch counts the calls of one finish of many jobs.
func (m *mount) tracedBatch(ctx context.Context) (census, error) {
	if why := lacking("strace"); why != "" {
		return census{}, nil
	}
	if err := m.scheduled(ctx, batchSize); err != nil {
		return census{}, err
	}
	return m.traced(ctx, m.repo.dir, in(m.repo.dir, m.stemma, "finish"))
}

// embedded makes all commands use the scheduler that stemma brings along: it
// needs nothing on the file system that is measured.
func (b *bench) embedded() { b.env = append(b.env, "STEMMA_SCHEDULER=local") }

// The rows that others refer to.
const (
	saveRow  = 3
	batchRow = 2
)

// commands are the same on each file system; one repetition each, because
// hundreds of delays are in each already.
func (m *mount) commands(ctx context.Context) ([]trial, error) {
	r := m.repo
	if err := m.scheduled(ctx, 2); err != nil { // makes folders, and wakes the caches
		return nil, err
	}
	if err := m.must(ctx, in(r.dir, m.stemma, "finish")); err != nil {
		return nil, err
	}
	tool := jobTool{name: "stemma ", program: m.stemma, schedule: []string{"schedule"}, finish: []string{"finish", ""}}
	trials := []trial{m.try(ctx, "stemma schedule", 1, tool.scheduling(r))}
	if err := m.localJobsOver(ctx, r); err != nil {
		return nil, err
	}
	trials = append(trials, m.try(ctx, "stemma finish, one job", 1, in(r.dir, m.stemma, "finish")))
	if err := m.scheduled(ctx, batchSize); err != nil {
		return nil, err
	}
	trials = append(trials, m.try(ctx, fmt.Sprintf("stemma finish, %d jobs in one call, per job", batchSize), batchSize, in(r.dir, m.stemma, "finish")))
	savers := []struct {
		name, missing string
		argv          []string
	}{
		{"stemma save PATH", "", []string{m.stemma, "save", "-m", "new"}},
		{"git add; git commit", "", []string{"sh", "-c", `git add "$@" && git commit -q -m new`, "sh"}},
		{"datalad save PATH", lacking("datalad"), []string{"datalad", "save", "-m", "new"}},
	}
	for _, s := range savers {
		if s.missing != "" {
			trials = append(trials, given(s.name, s.missing))
			continue
		}
		files, err := r.write()
		if err != nil {
			return nil, err
		}
		time.Sleep(1200 * time.Millisecond)
		trials = append(trials, m.try(ctx, s.name, 1, in(r.dir, append(s.argv, files...)...)))
		m.clean(ctx)
	}
	return append(trials, m.try(ctx, "stemma status", 1, in(r.dir, m.stemma, "status")), m.try(ctx, "git status", 1, in(r.dir, "git", "status"))), nil
}

// clean takes away what a command left that was given up.
func (m *mount) clean(ctx context.Context) {
	for _, lock := range []string{"index.lock", "HEAD.lock"} {
		remove(m.repo.dir + "/.git/" + lock)
	}
	_ = m.must(ctx, in(m.repo.dir, "git", "-c", "core.hooksPath=/dev/null", "reset", "-q"))
}

func (b *bench) fsTable(profile string, n int, trials []trial) {
	b.section("%s, %s tracked files", profile, thousands(n))
	unit := trials[batchRow].took
	rows := make([][]string, 0, len(trials))
	for _, t := range trials {
		rows = append(rows, t.cells(unit))
	}
	b.table([]string{"", "elapsed", "questions", "names on the way", "ratio to finish of a job among 50"}, rows)
	if save, finish := trials[saveRow+2], trials[batchRow]; save.missing == "" && finish.missing == "" && profile != "local" {
		times := float64(save.took) / float64(finish.took)
		sign := ""
		if save.tooSlow {
			sign = "more than "
		}
		b.checked(fmt.Sprintf("finish per job against datalad save, %s, %s files", profile, thousands(n)), "1/50", times >= 50, "%s1/%.0f", sign, times)
	}
}

// checkBatches compares one finish of 50 jobs with the limit, and the largest
// repository with the smallest.
func (b *bench) checkBatches(finish map[string][]trial) {
	for _, profile := range b.profiles {
		of := finish[profile]
		for i, t := range of {
			if t.missing != "" || t.tooSlow {
				continue
			}
			b.checked(fmt.Sprintf("questions of one finish of %d jobs, %s, %s files", batchSize, profile, thousands(b.sizes[i])),
				thousands(batchLimit), t.counts.Paths() <= batchLimit, "%s", thousands(int(t.counts.Paths())))
		}
		if k := len(of) - 1; k > 0 && of[0].counts.Paths() > 0 && of[k].counts.Paths() > 0 {
			growth := 100 * (float64(of[k].counts.Paths())/float64(of[0].counts.Paths()) - 1)
			b.checked(fmt.Sprintf("the same at %s against %s files, %s", thousands(b.sizes[k]), thousands(b.sizes[0]), profile), "± 5 %", growth >= -5 && growth <= 5, "%+.1f %%", growth)
		}
	}
}

// compareProfiles says what the file systems' metadata mean for a job.
func (b *bench) compareProfiles(finish map[string][]trial) {
	last := len(b.sizes) - 1
	text := ""
	for _, profile := range b.profiles {
		if len(finish[profile]) <= last {
			continue
		}
		if t := finish[profile][last]; t.missing == "" && !t.tooSlow {
			text += fmt.Sprintf(" On the simulated %s one `finish` of %d jobs takes %s a job.", profile, batchSize, show(t.took))
		}
	}
	if text != "" {
		b.section("Lustre-like against GPFS-like metadata")
		b.note("With %s tracked files:%s The questions are the same everywhere; what differs is how long an answer takes, and that a GPFS client knows the attributes of 50,000 files without asking.", thousands(b.sizes[last]), text)
	}
}
