package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// window is how many jobs are compared at both ends.
const window = 50

// leg is a stretch of the jobs that are finished one by one, on one file system.
type leg struct {
	profile string
	from    int // number of its first job, from 1
	trials  []trial
}

// oneByOne finishes many jobs, each in a command of its own, and compares the
// last ones with the first ones: nothing may pile up. The first and the last
// are finished on the slow file systems, those between without delays.
func oneByOne(ctx context.Context, b *bench) error {
	if why := noMount(); why != "" {
		b.section("Jobs finished one by one")
		b.note("Not measured: %s.", why)
		return nil
	}
	if err := b.useStandIn(); err != nil {
		return err
	}
	defer b.tidying()()
	n := b.sizes[len(b.sizes)-1]
	backing, err := b.backing(ctx, n)
	if err != nil {
		return err
	}
	legs := b.legs()
	seen := &repo{dir: b.mountedDataset(), files: n}
	for i := range legs {
		progress("%d jobs finished one by one on %s", cap(legs[i].trials), legs[i].profile)
		if err := b.walk(ctx, backing, seen, &legs[i]); err != nil {
			return err
		}
	}
	b.steadyTable(n, legs)
	return nil
}

// legs plans where which jobs are finished.
func (b *bench) legs() (legs []leg) {
	jobs, part := 2000, window
	if b.quick {
		jobs, part = 120, 10
	}
	next := 1
	add := func(profile string, n int) {
		legs = append(legs, leg{profile, next, make([]trial, 0, n)})
		next += n
	}
	var slow []string
	for _, profile := range b.profiles {
		if profile == "gpfs" || profile == "lustre" {
			slow = append(slow, profile)
			add(profile, part)
		}
	}
	add("local", jobs-2*part*len(slow))
	for _, profile := range slow {
		add(profile, part)
	}
	return legs
}

// tidying lets git tidy up as it does where nobody has configured it, but
// before the command ends; stop ends that.
func (b *bench) tidying() (stop func()) {
	before := slices.Clone(b.env)
	b.env = append(b.env, "GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=gc.auto", "GIT_CONFIG_VALUE_0=6700", "GIT_CONFIG_KEY_1=gc.autoDetach", "GIT_CONFIG_VALUE_1=false",
		"GIT_CONFIG_KEY_2=maintenance.auto", "GIT_CONFIG_VALUE_2=true")
	return func() { b.env = before }
}

// walk schedules the jobs of a leg without delays, and finishes them.
func (b *bench) walk(ctx context.Context, backing string, seen *repo, l *leg) error {
	for left := cap(l.trials); left > 0; left -= batchSize {
		n := min(left, batchSize)
		if err := b.mounted(backing, "local", seen, func(m *mount) error { return m.scheduled(ctx, n) }); err != nil {
			return err
		}
		if err := b.mounted(backing, l.profile, seen, func(m *mount) error { return m.finishEach(ctx, l) }); err != nil {
			return err
		}
	}
	return nil
}

// finishEach finishes the open jobs, one after the other.
func (m *mount) finishEach(ctx context.Context, l *leg) error {
	tool := jobTool{program: m.stemma, list: []string{"finish", "--list-open-jobs"}, finish: []string{"finish", "--slurm-job-id"}}
	ids, err := tool.open(ctx, m.bench, m.repo)
	if err != nil || len(ids) == 0 {
		return fmt.Errorf("no open job: %w", err)
	}
	for _, id := range ids {
		t := m.try(ctx, "finish", 1, tool.finishing(m.repo, id))
		if t.missing != "" || t.tooSlow {
			return fmt.Errorf("finish of job %s: %s", id, t.missing)
		}
		l.trials = append(l.trials, t)
	}
	return nil
}

// middle is the median of the time and of the questions.
func middle(part []trial) (took time.Duration, asked int) {
	took = median(part, func(t trial) time.Duration { return t.took })
	return took, int(median(part, func(t trial) time.Duration { return time.Duration(t.counts.Paths()) }))
}

// steadyTable shows the beginning and the end of each leg, and compares the
// first and the last jobs of each file system.
func (b *bench) steadyTable(n int, legs []leg) {
	last := legs[len(legs)-1]
	all := last.from + len(last.trials) - 1
	b.section("%s jobs finished one by one, %s tracked files", thousands(all), thousands(n))
	b.note("Medians. git tidies up whenever it finds that necessary.")
	var rows [][]string
	ends := map[string][][]trial{}
	for _, l := range legs {
		w := min(window, len(l.trials))
		for _, from := range slices.Compact([]int{0, len(l.trials) - w}) {
			part := l.trials[from : from+w]
			took, asked := middle(part)
			rows = append(rows, []string{fmt.Sprintf("jobs %s to %s on %s", thousands(l.from+from), thousands(l.from+from+w-1), l.profile), show(took), thousands(asked)})
			ends[l.profile] = append(ends[l.profile], part)
		}
	}
	b.table([]string{"", "elapsed", "questions"}, rows)
	for _, profile := range b.profiles {
		if parts := ends[profile]; len(parts) > 1 {
			b.checkSteady(profile, all, parts[0], parts[len(parts)-1])
		}
	}
}

func (b *bench) checkSteady(profile string, all int, first, last []trial) {
	tookFirst, askedFirst := middle(first)
	tookLast, askedLast := middle(last)
	time := 100 * (float64(tookLast)/float64(tookFirst) - 1)
	asked := 100 * (float64(askedLast)/float64(askedFirst) - 1)
	what := fmt.Sprintf("the last of %s finishes against the first, %s", thousands(all), profile)
	b.checked(what+", elapsed", "+ 20 %", time <= 20, "%+.1f %%", time)
	b.checked(what+", questions", "+ 20 %", asked <= 20, "%+.1f %%", asked)
}
