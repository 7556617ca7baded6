// Package cost counts what commands ask of the file system: calls that name a
// path inside the repository, and processes. On a parallel file system these
// are what a command costs, and they must not grow with the repository.
//
// STEMMA_SOAK adds a repository of 200,000 files. STEMMA_TRACE names a folder
// for the calls that were counted.
package cost

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stemma-data/stemma/bench/slowfs"
	"github.com/stemma-data/stemma/test/crash/rig"
)

var program string

func TestMain(m *testing.M) {
	if os.Getenv(serveVar) != "" {
		if err := slowfs.Serve(os.Args[1:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(rig.RunTests(m, &program))
}

func sizes() []int {
	switch {
	case testing.Short():
		return []int{1000, 5000}
	case os.Getenv("STEMMA_SOAK") != "":
		return []int{1000, 50000, 200000}
	}
	return []int{1000, 50000}
}

// big makes a dataset of n tracked files: one pack, nothing racy.
func big(t *testing.T, n int) *rig.Repo {
	t.Helper()
	r := rig.NewWorld(t, program).Dataset(t, "ds")
	r.Write("job.sh", "#!/bin/sh\nmkdir -p \"$1\"\necho text > \"$1/a.txt\"\nprintf 'bin\\000\\001%s' \"$1\" > \"$1/b.bin\"\n")
	r.Save("-m", "job script")
	cmd := r.Command("git", "fast-import", "--quiet", "--done")
	in, out := io.Pipe()
	cmd.Stdin = in
	go func() {
		fmt.Fprintf(out, "blob\nmark :1\ndata 5\ntext\n\n")
		fmt.Fprintf(out, "commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 4\nmany\nfrom refs/heads/main^0\n")
		for i := range n {
			fmt.Fprintf(out, "M 100644 :1 many/%03d/file%06d.txt\n", i/500, i)
		}
		fmt.Fprintf(out, "\ndone\n")
		out.Close()
	}()
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("fast-import: %v\n%s", err, msg)
	}
	// Not `git annex`'s filter: it would start a process that helps nobody.
	r.Git("-c", "filter.annex.process=", "-c", "filter.annex.smudge=", "-c", "core.hooksPath=/dev/null", "reset", "-q", "--hard")
	r.Git("repack", "-adq")
	time.Sleep(1100 * time.Millisecond) // older than the index, so that git need not look twice
	r.Git("update-index", "-q", "--force-write-index", "--refresh")
	return r
}

// command is one row of the table.
type command struct {
	name             string
	prepare          func(r *rig.Repo, i int)
	args             func(i int) []string
	line             string // the user's own, which does not count
	calls, processes int    // limits; 0: none
}

func write(r *rig.Repo, dir string) {
	r.Write(dir+"/a.txt", "text of "+dir+"\n")
	r.Write(dir+"/b.bin", rig.Binary(dir, 3000))
}

// commands are measured twice; the first time makes folders that then stay.
// The scheduler of this machine needs no processes. Slurm needs one more to
// schedule (scontrol) and two more to finish (squeue, sacct), which the limits
// leave room for: 4 and 10 with Slurm.
func commands() []command {
	nothing := func(*rig.Repo, int) {}
	dir := func(kind string, i int) string { return fmt.Sprintf("%s%d", kind, i) }
	return []command{
		{name: "save PATH", prepare: func(r *rig.Repo, i int) { write(r, dir("save", i)) },
			args: func(i int) []string { return []string{"save", dir("save", i)} }},
		{name: "run --explicit", prepare: nothing, line: "./job.sh", args: func(i int) []string {
			return []string{"run", "--explicit", "-o", dir("run", i), "sh ./job.sh " + dir("run", i)}
		}},
		{name: "schedule", prepare: nothing, line: "sbatch", calls: 100, processes: 4 - 1, args: func(i int) []string {
			return []string{"schedule", "-i", "many/000/file000000.txt", "-o", dir("job", i), "sbatch job.sh " + dir("job", i)}
		}},
		{name: "finish", prepare: waitForJobs, calls: 450, processes: 10 - 2, args: func(int) []string { return []string{"finish"} }},
	}
}

// waitForJobs also schedules one where the last one is finished.
func waitForJobs(r *rig.Repo, i int) {
	if !strings.Contains(r.Run(r.Bin, "jobs", "--open"), "sbatch") && r.Run(r.Bin, "finish", "--list-open-jobs") == "" {
		dir := fmt.Sprintf("late%d", i)
		r.Run(r.Bin, "schedule", "-o", dir, "sbatch job.sh "+dir)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if !strings.Contains(r.Run(r.Bin, "jobs", "--open"), "PENDING") && !strings.Contains(r.Run(r.Bin, "jobs", "--open"), "RUNNING") {
			return
		}
	}
	r.T.Fatal("the jobs do not end")
}

func TestCostIsIndependentOfTheRepository(t *testing.T) {
	rig.Need(t, "strace", "git")
	results := map[string][]census{}
	for _, n := range sizes() {
		r := big(t, n)
		r.NeedCommand(t, "schedule")
		for _, c := range commands() {
			results[c.name] = append(results[c.name], measure(t, r, c))
		}
		if out := r.Git("status", "--porcelain"); out != "" {
			t.Errorf("%d files: status\n%s", n, out)
		}
	}
	t.Log("\n" + table(results))
	for _, c := range commands() {
		judge(t, c, results[c.name])
	}
}

// measure runs the command once to warm up and once under the eye of strace.
// Of schedule both jobs are finished later, so its jobs are ended first.
func measure(t *testing.T, r *rig.Repo, c command) census {
	t.Helper()
	for i := range 2 {
		c.prepare(r, i)
		if i == 0 {
			r.Run(r.Bin, c.args(i)...)
			if c.name == "schedule" {
				waitForJobs(r, i)
				r.Run(r.Bin, "finish")
			}
		}
	}
	// One pack and no folder for loose objects: else it is chance how many of
	// these folders a command finds, and how many it makes.
	r.Git("repack", "-adq")
	r.Git("prune-packed", "-q")
	return count(t, r, c.line, c.args(1)...)
}

// judge compares with the limits and with the smallest repository.
func judge(t *testing.T, c command, seen []census) {
	t.Helper()
	for i, n := range sizes() {
		s := seen[i]
		if c.calls > 0 && s.calls > c.calls {
			t.Errorf("%s, %d files: %d calls, at most %d are allowed", c.name, n, s.calls, c.calls)
		}
		if c.processes > 0 && s.processes > c.processes {
			t.Errorf("%s, %d files: %d processes, at most %d are allowed: %v", c.name, n, s.processes, c.processes, s.programs)
		}
		if dir := os.Getenv("STEMMA_TRACE"); dir != "" {
			name := filepath.Join(dir, fmt.Sprintf("%s-%d", strings.ReplaceAll(c.name, " ", "-"), n))
			if err := os.WriteFile(name, []byte(strings.Join(s.lines, "\n")+"\n"), 0o644); err != nil {
				t.Error(err)
			}
		}
		if small := seen[0]; 100*s.calls > 105*small.calls || s.processes > small.processes {
			t.Errorf("%s: %d calls, processes %v at %d files, but %d, %v at %d", c.name, s.calls, s.programs, n, small.calls, small.programs, sizes()[0])
		}
	}
}

func table(results map[string][]census) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "calls / processes at\t")
	for _, n := range sizes() {
		fmt.Fprintf(w, "%d files\t", n)
	}
	fmt.Fprintln(w)
	for _, c := range commands() {
		fmt.Fprintf(w, "%s\t", c.name)
		for _, s := range results[c.name] {
			fmt.Fprintf(w, "%d / %d\t", s.calls, s.processes)
		}
		fmt.Fprintln(w)
	}
	w.Flush()
	return b.String()
}

// On an adjusted branch commits are made for two branches. That is more, but
// does not depend on the repository either.
func TestCostOnAdjustedBranches(t *testing.T) {
	rig.Need(t, "strace", "git")
	results := map[string][]census{}
	var list []command
	for _, c := range commands() {
		if c.calls > 0 {
			c.calls, c.processes = c.calls+100, c.processes+1
		}
		list = append(list, c)
	}
	for _, n := range sizes() {
		r := big(t, n)
		r.NeedCommand(t, "schedule")
		r.Run(r.Bin, "annex", "adjust", "--unlock")
		for _, c := range list {
			results[c.name] = append(results[c.name], measure(t, r, c))
		}
		if out := r.Git("status", "--porcelain"); out != "" {
			t.Errorf("%d files: status\n%s", n, out)
		}
		if r.Git("rev-parse", "HEAD^") != r.Git("rev-parse", "main") {
			t.Errorf("%d files: the adjusted branch is not on top of main", n)
		}
	}
	t.Log("\n" + table(results))
	for _, c := range list {
		judge(t, c, results[c.name])
	}
}
