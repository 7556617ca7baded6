package main

import (
	"context"
	"fmt"
	"time"
)

// oneByOne finishes many jobs, each in a command of its own, and compares the
// last ones with the first ones: nothing may pile up.
func oneByOne(ctx context.Context, b *bench) error {
	if why := noMount(); why != "" {
		b.section("Jobs finished one by one")
		b.note("Not measured: %s.", why)
		return nil
	}
	b.embedded()
	jobs := 2000
	if b.quick {
		jobs = 120
	}
	n := b.sizes[0]
	progress("%d jobs finished one by one", jobs)
	return b.onProfile(ctx, "local", n, func(m *mount) error {
		var all []trial
		for i := range jobs {
			if i%batchSize == 0 {
				if err := m.scheduled(ctx, min(batchSize, jobs-i)); err != nil {
					return err
				}
			}
			t, err := m.finishOldest(ctx)
			if err != nil {
				return err
			}
			all = append(all, t)
		}
		m.steadyTable(all)
		return nil
	})
}

func (m *mount) finishOldest(ctx context.Context) (trial, error) {
	tool := jobTool{program: m.stemma, list: []string{"finish", "--list-open-jobs"}, finish: []string{"finish", "--slurm-job-id"}}
	ids, err := tool.open(ctx, m.bench, m.repo)
	if err != nil || len(ids) == 0 {
		return trial{}, fmt.Errorf("no open job: %w", err)
	}
	t := m.try(ctx, "finish", 1, tool.finishing(m.repo, ids[0]))
	if t.missing != "" || t.tooSlow {
		return t, fmt.Errorf("finish of job %s: %s", ids[0], t.missing)
	}
	return t, nil
}

// window is how many jobs are compared at both ends.
const window = 50

func (m *mount) steadyTable(all []trial) {
	w := min(window, len(all)/2)
	m.section("%s jobs finished one by one", thousands(len(all)))
	m.note("On the simulated file system without delays, %s tracked files. Medians of %d jobs, without the first %d.", thousands(m.repo.files), w, min(5, w))
	var rows [][]string
	middle := func(part []trial) (time.Duration, int) {
		took := median(part, func(t trial) time.Duration { return t.took })
		asked := median(part, func(t trial) time.Duration { return time.Duration(t.counts.Paths()) })
		return took, int(asked)
	}
	for from := min(5, w); from+w <= len(all); from += max(w, (len(all)-w-5)/4) {
		took, asked := middle(all[from : from+w])
		rows = append(rows, []string{fmt.Sprintf("jobs %s to %s", thousands(from+1), thousands(from+w)), show(took), thousands(asked)})
	}
	m.table([]string{"", "elapsed", "questions"}, rows)
	_, first := middle(all[min(5, w) : min(5, w)+w])
	_, last := middle(all[len(all)-w:])
	growth := 100 * (float64(last)/float64(first) - 1)
	m.checked(fmt.Sprintf("questions of the last of %s finishes against the first", thousands(len(all))), "+ 20 %", growth <= 20, "%+.1f %%", growth)
}
