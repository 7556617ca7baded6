package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// way is one of the ways to keep a job apart from the work tree.
type way struct {
	name    string
	options func(m *mount) []string // of stemma schedule
	missing func(ctx context.Context, b *bench) string
}

func always(context.Context, *bench) string { return "" }

// ways are compared with each other, and with git worktree.
var ways = []way{
	{"in place", func(*mount) []string { return nil }, always},
	{"--alt-dir", func(m *mount) []string { return []string{"--alt-dir", filepath.Join(m.top, "scratch", "alt")} }, always},
	{"--isolated", func(m *mount) []string { return []string{"--isolated", filepath.Join(m.top, "scratch", "isolated")} },
		func(ctx context.Context, b *bench) string {
			if out, _ := b.output(ctx, "", b.stemma, "schedule", "--help"); !strings.Contains(out, "--isolated") {
				return "not available in this build"
			}
			return ""
		}},
}

// staged is what one way took for one job.
type staged struct{ schedule, finish trial }

// staging compares the ways for outputs of different sizes.
func staging(ctx context.Context, b *bench) error {
	if why := noMount(); why != "" {
		b.section("Ways of staging")
		b.note("Not measured: %s.", why)
		return nil
	}
	b.embedded()
	all := b.contents
	defer func() { b.contents = all }()
	var schedules, finishes []line
	for _, profile := range b.stagingProfiles() {
		for i, n := range b.sizes {
			contents := all
			if i < len(b.sizes)-1 {
				contents = contents[:1] // what depends on the content is shown by the largest repository
			}
			progress("ways of staging on %s, %s files", profile, thousands(n))
			err := b.onProfile(ctx, profile, n, func(m *mount) error {
				b.contents = contents
				found, err := m.allWays(ctx)
				if err != nil {
					return err
				}
				m.stagingTable(found)
				group := fmt.Sprintf("%s-%d", profile, n)
				for name, of := range found {
					for i, s := range of {
						schedules = addPoint(schedules, group, name, float64(contents[i]), s.schedule)
						finishes = addPoint(finishes, group, name, float64(contents[i]), s.finish)
					}
				}
				m.plot("schedule-"+group, fmt.Sprintf("schedule of one job on %s, %s files", profile, thousands(n)), "bytes of the output", "seconds", linesOf(schedules, group))
				m.plot("finish-"+group, fmt.Sprintf("finish of one job on %s, %s files", profile, thousands(n)), "bytes of the output", "seconds", linesOf(finishes, group))
				m.stagingWords(found)
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// stagingProfiles leaves NFS out, where a work tree takes hours.
func (b *bench) stagingProfiles() (list []string) {
	for _, p := range b.profiles {
		if p != "nfs" {
			list = append(list, p)
		}
	}
	return list
}

const worktreeWay = "git worktree"

// allWays measures each way with each size.
func (m *mount) allWays(ctx context.Context) (map[string][]staged, error) {
	found := map[string][]staged{}
	for _, size := range m.contents {
		for _, w := range ways {
			if why := w.missing(ctx, m.bench); why != "" {
				found[w.name] = append(found[w.name], staged{given(w.name, why), given(w.name, why)})
				continue
			}
			s, err := m.oneWay(ctx, w, size)
			if err != nil {
				return nil, err
			}
			found[w.name] = append(found[w.name], s)
		}
	}
	// A work tree costs the same for each size but for the copy: the smallest
	// and the largest tell.
	for i, size := range m.contents {
		if i > 0 && i < len(m.contents)-1 {
			found[worktreeWay] = append(found[worktreeWay], staged{given(worktreeWay, "not measured"), given(worktreeWay, "not measured")})
			continue
		}
		found[worktreeWay] = append(found[worktreeWay], m.worktree(ctx, size))
	}
	return found, nil
}

// oneWay schedules a job, waits for it, and finishes it.
func (m *mount) oneWay(ctx context.Context, w way, size int64) (s staged, err error) {
	folder := m.repo.fresh("sized")
	text, binary := outputs(folder)
	argv := append([]string{m.stemma, "schedule"}, w.options(m)...)
	argv = append(argv, "-i", trackedFile(0), "-o", text, "-o", binary, "sbatch", "sized.sh", folder, fmt.Sprint(size))
	if s.schedule = m.try(ctx, w.name, 1, in(m.repo.dir, argv...)); s.schedule.missing != "" || s.schedule.tooSlow {
		s.finish = s.schedule
		return s, nil
	}
	if err := m.localJobsOver(ctx, m.repo); err != nil {
		return s, err
	}
	s.finish = m.try(ctx, w.name, 1, in(m.repo.dir, m.stemma, "finish"))
	return s, nil
}

// worktree does by hand what people do today: a work tree for the job, a commit
// in it, and a merge.
func (m *mount) worktree(ctx context.Context, size int64) (s staged) {
	folder := m.repo.fresh("trees")
	dir := filepath.Join(m.top, "worktrees", filepath.Base(folder))
	branch := "job-" + filepath.Base(folder)
	s.schedule = m.try(ctx, worktreeWay, 1, in(m.repo.dir, "git", "worktree", "add", "-q", "-b", branch, dir))
	if s.schedule.missing != "" || s.schedule.tooSlow {
		s.finish = s.schedule
		return s
	}
	if err := m.must(ctx, in(dir, "sh", "sized.sh", folder, fmt.Sprint(size))); err != nil {
		progress("job in a work tree: %v", err)
		return staged{s.schedule, given(worktreeWay, "failed")}
	}
	time.Sleep(1200 * time.Millisecond)
	add := "git annex add -q"
	if lacking("git-annex") != "" {
		add = "git add"
	}
	// git-annex makes the work tree's .git a link, which `git worktree remove` refuses.
	s.finish = m.try(ctx, worktreeWay, 1, sh(dir, add+` "$1" && git commit -q -m job -- "$1"`, folder),
		in(m.repo.dir, "git", "merge", "-q", "--no-edit", branch), sh(m.repo.dir, `rm -rf "$1" && git worktree prune`, dir))
	return s
}

func (m *mount) stagingTable(found map[string][]staged) {
	m.section("Ways of staging: %s, %s tracked files", m.profile, thousands(m.repo.files))
	m.note("One job with one text and one binary output of the size in the first column: schedule / finish (for `git worktree`: `git worktree add` / `git annex add`, commit, merge, and the removal of the work tree).")
	header := []string{"output"}
	names := append(wayNames(), worktreeWay)
	header = append(header, names...)
	var rows [][]string
	for i, size := range m.contents {
		row := []string{thousands(int(size)) + " bytes"}
		for _, name := range names {
			row = append(row, found[name][i].cell())
		}
		rows = append(rows, row)
	}
	m.table(header, rows)
}

func wayNames() (names []string) {
	for _, w := range ways {
		names = append(names, w.name)
	}
	return names
}

func (s staged) cell() string {
	one := func(t trial) string {
		switch {
		case t.missing != "":
			return t.missing
		case t.tooSlow:
			return "> " + show(t.took)
		}
		return show(t.took)
	}
	if s.schedule.missing != "" {
		return s.schedule.missing
	}
	if s.schedule.tooSlow {
		return one(s.schedule)
	}
	return one(s.schedule) + " / " + one(s.finish)
}

// stagingWords answers, from the figures, which way to take.
func (m *mount) stagingWords(found map[string][]staged) {
	first, last := 0, len(m.contents)-1
	base := found["in place"][first]
	if base.finish.missing != "" || base.finish.tooSlow {
		return
	}
	var parts []string
	for _, name := range append(wayNames()[1:], worktreeWay) {
		s := found[name][first]
		switch {
		case s.schedule.missing != "" || s.finish.missing != "":
		case s.schedule.tooSlow || s.finish.tooSlow:
			parts = append(parts, fmt.Sprintf("`%s` was given up after %s", name, show(m.patience)))
		default:
			sum := s.schedule.took + s.finish.took
			parts = append(parts, fmt.Sprintf("`%s` takes %s, %s × as long", name, show(sum), ratio(sum, base.schedule.took+base.finish.took)))
		}
	}
	m.note("In place, schedule and finish of a job with a small output take %s together; %s.", show(base.schedule.took+base.finish.took), strings.Join(parts, "; "))
	if end := found["in place"][last]; last > 0 && end.finish.missing == "" && !end.finish.tooSlow {
		m.note("In place, an output of %s bytes instead of %s makes the finish %s × as long: its content is read once, to hash it, and not copied.",
			thousands(int(m.contents[last])), thousands(int(m.contents[first])), ratio(end.finish.took, base.finish.took))
	}
}
