package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/stemma-data/stemma/bench/slowfs"
)

// serveWord as first argument makes this program serve a slow file system.
const serveWord = "serve-slowfs"

// mount is a dataset, and a scratch folder beside it, on a simulated file
// system.
type mount struct {
	*bench
	child   *slowfs.Child
	profile string
	top     string
	repo    *repo
}

// noMount says why nothing can be mounted here, or "".
func noMount() string {
	if os.Geteuid() != 0 {
		return "only root may mount"
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return "there is no /dev/fuse"
	}
	return ""
}

// onProfile runs work with a dataset of n files, in its first state, on the
// simulated file system.
func (b *bench) onProfile(ctx context.Context, profile string, n int, work func(*mount) error) error {
	backing, err := b.backing(ctx, n)
	if err != nil {
		return err
	}
	return b.mounted(backing, profile, &repo{dir: b.mountedDataset(), files: n}, work)
}

// backing makes the folder that holds a dataset of n files in its first state.
func (b *bench) backing(ctx context.Context, n int) (string, error) {
	place := fmt.Sprintf("fs-%s-%d", layout, n)
	r, err := b.repositoryAt(ctx, n, filepath.Join(place, "ds"))
	if err != nil {
		return "", err
	}
	backing := filepath.Dir(r.dir)
	for _, leftover := range []string{"scratch", "worktrees"} {
		remove(filepath.Join(backing, leftover))
	}
	drop := `git worktree prune && git for-each-ref --format='delete %(refname)' 'refs/heads/job-*' | git update-ref --stdin`
	return backing, errors.Join(b.must(ctx, sh(r.dir, drop)), b.sizedJob(ctx, r), os.MkdirAll(filepath.Join(backing, "scratch", "alt"), 0o755))
}

func (b *bench) mountPoint() string { return filepath.Join(b.tmp, "mount") }

// mountedDataset is where the dataset is seen.
func (b *bench) mountedDataset() string { return filepath.Join(b.mountPoint(), "ds") }

// mounted runs work on the folder as it is, seen through the simulated file
// system. seen is the dataset as it is there.
func (b *bench) mounted(backing, profile string, seen *repo, work func(*mount) error) (err error) {
	m := &mount{bench: b, profile: profile, top: b.mountPoint(), repo: seen}
	if err := os.MkdirAll(m.top, 0o755); err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	if m.child, err = slowfs.StartChild(exec.Command(exe, serveWord, "-profile", profile, backing, m.top)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.child.Close()) }()
	return work(m)
}

// sizedScript is a job whose binary output has a given size.
const sizedScript = `#!/bin/sh
mkdir -p "$1"
date > "$1/out.txt"
head -c "$2" /dev/urandom > "$1/out.bin"
`

// sizedJob adds that script to the dataset.
func (b *bench) sizedJob(ctx context.Context, r *repo) error {
	if err := os.WriteFile(filepath.Join(r.dir, "sized.sh"), []byte(sizedScript), 0o755); err != nil {
		return err
	}
	if err := b.must(ctx, in(r.dir, "git", "add", "sized.sh"), in(r.dir, "git", "commit", "-q", "-m", "job of any size")); err != nil {
		return err
	}
	return settle(r)
}

// trial is one command on a simulated file system.
type trial struct {
	name, missing string
	took          time.Duration // per unit
	counts        slowfs.Counts // of the whole command
	tooSlow       bool          // given up after took
	units         int           // jobs; 0 counts as 1
}

// try runs a command once, until patience ends, and counts what it asked.
func (m *mount) try(ctx context.Context, name string, units int, commands ...command) trial {
	t := trial{name: name, units: max(units, 1)}
	_, err := m.child.Since()
	limited, stop := context.WithTimeout(ctx, m.patience)
	defer stop()
	begin := time.Now()
	for _, c := range commands {
		if err == nil {
			_, err = m.run(limited, c)
		}
	}
	t.took = time.Since(begin) / time.Duration(t.units)
	if limited.Err() != nil && ctx.Err() == nil {
		t.tooSlow = true
		return t
	}
	if err == nil {
		t.counts, err = m.child.Since()
	}
	if err != nil {
		progress("%s on %s: %v", name, m.profile, err)
		t.missing = "failed"
	}
	return t
}

// given is a trial that cannot be made.
func given(name, missing string) trial { return trial{name: name, missing: missing} }

// cells are the trial's row.
func (t trial) cells(unit time.Duration) []string {
	switch {
	case t.missing != "":
		return []string{t.name, t.missing}
	case t.tooSlow:
		return []string{t.name, "> " + show(t.took), "", "", "> " + ratio(t.took, unit)}
	}
	return []string{t.name, show(t.took), thousands(int(t.counts.Paths()) / t.units), thousands(int(t.counts[slowfs.Lookup]) / t.units), ratio(t.took, unit)}
}

// scheduled makes jobs that are over, and returns when the second has passed in
// which their files are racy.
func (m *mount) scheduled(ctx context.Context, jobs int, options ...string) error {
	table := filepath.Join(m.tmp, "table.csv")
	var rows strings.Builder
	rows.WriteString("folder\n")
	for range jobs {
		fmt.Fprintln(&rows, m.repo.fresh("jobs"))
	}
	if err := os.WriteFile(table, []byte(rows.String()), 0o644); err != nil {
		return err
	}
	text, binary := outputs("{folder}")
	argv := append([]string{m.stemma, "schedule", "--sweep", table}, options...)
	if err := m.must(ctx, in(m.repo.dir, append(argv, "-o", text, "-o", binary, "sbatch", "job.sh", "{folder}")...)); err != nil {
		return err
	}
	return m.localJobsOver(ctx, m.repo)
}

// localJobsOver waits for the jobs of the embedded scheduler.
func (b *bench) localJobsOver(ctx context.Context, r *repo) error {
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		list, err := b.output(ctx, r.dir, b.stemma, "jobs", "--open")
		if err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
		if !strings.Contains(list, "PENDING") && !strings.Contains(list, "RUNNING") {
			time.Sleep(1200 * time.Millisecond)
			return nil
		}
	}
	return errors.New("jobs are not over after ten minutes")
}
