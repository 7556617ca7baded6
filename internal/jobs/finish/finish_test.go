package finish_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestFinishManyInOneQuery(t *testing.T) {
	b := jobstest.New(t)
	for i := range 5 {
		b.Submit(schedule.Options{Outputs: []string{fmt.Sprintf("o%d", i)}, Message: "m"})
		b.Write(fmt.Sprintf("o%d", i), "x")
	}
	b.S.Set(t, "101", "COMPLETED")
	b.S.Set(t, "102", "FAILED")
	b.S.Set(t, "103", "COMPLETED")
	jobstest.Must(t, os.Remove(filepath.Join(b.Dir, "o2")))
	b.S.Set(t, "104", "COMPLETING")
	jobstest.Must(t, os.RemoveAll(filepath.Join(b.S.Dir, "jobs", "105")))
	before := b.S.Queries
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if b.S.Queries != before+1 {
		t.Error("more than one query")
	}
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"impossible Slurm job(s) for job 102 are not complete.Statuses: 102: FAILED",
		"error job 103: declared output is missing: o2",
		"impossible Slurm job(s) for job 104 are not complete.Statuses: 104: COMPLETING",
		"impossible Slurm job(s) for job 105 are not complete.Statuses: 105: UNKNOWN",
		"ok Slurm job 101: Completed",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if got := b.States(); got != "closed:committed open: open: open: open:" {
		t.Error(got)
	}
	b.Write("o2", "late")
	lines, err = b.Finish(finish.Options{CommitFailed: true})
	jobstest.Must(t, err)
	if !strings.Contains(strings.Join(lines, "\n"), "ok Slurm job 102: Failed\nok Slurm job 103: Completed") {
		t.Error(lines)
	}
	msg := b.Git("log", "-2", "--format=%B")
	if !strings.Contains(msg, "[DATALAD SLURM RUN] Slurm job 102: Failed\n\nSlurm job(s) for job 102 are not complete.Statuses: 102: FAILED\n\nm\n") {
		t.Error(msg)
	}
	b.S.Set(t, "104", "CANCELLED by 7")
	lines, err = b.Finish(finish.Options{CloseFailed: true, JobID: "104"})
	if err != nil || len(lines) != 1 || lines[0] != "ok Closing failed / cancelled jobs. Statuses: 104: CANCELLED" {
		t.Error(lines, err)
	}
	if got := b.States(); got != "closed:committed closed:committed closed:committed closed:closed-failed open:" {
		t.Error(got)
	}
}

func TestKilledFinish(t *testing.T) {
	for _, step := range []string{"marked", "stored", "closing", "published"} {
		b := jobstest.New(t)
		b.Submit(schedule.Options{Outputs: []string{"o.dat", "o.txt"}})
		b.Write("o.dat", "\x01bin")
		b.Write("o.txt", "text\n")
		b.S.Set(t, "101", "COMPLETED")
		if out, err := b.Run(jobstest.Command{Finish: true, Kill: step}); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		if step == "closing" {
			// Recovery runs in a command that knows nothing of jobs.
			lease, err := b.D.Publisher().Lock(t.Context(), "test")
			jobstest.Must(t, err)
			jobstest.Must(t, lease.Release())
		}
		lines, err := b.Finish(finish.Options{})
		jobstest.Must(t, err)
		if done := step == "published" || step == "closing" && !strings.Contains(strings.Join(lines, ""), "already"); done != (len(lines) == 0) {
			t.Errorf("%s: %v", step, lines)
		}
		if n := strings.Count(b.Git("log", "--format=%s"), "Slurm job 101"); n != 1 {
			t.Errorf("%s: committed %d times", step, n)
		}
		if got := b.Git("status", "--porcelain"); got != "" {
			t.Errorf("%s: status %s", step, got)
		}
	}
}

func TestConcurrentFinishCommitsOnce(t *testing.T) {
	b := jobstest.New(t)
	for i := range 3 {
		b.Submit(schedule.Options{Outputs: []string{fmt.Sprintf("o%d", i)}})
		b.Write(fmt.Sprintf("o%d", i), "x")
		b.S.Set(t, fmt.Sprint(101+i), "COMPLETED")
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := b.Finish(finish.Options{}); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if n := strings.Count(b.Git("log", "--format=%s"), "Slurm job"); n != 3 {
		t.Errorf("%d commits", n)
	}
	if got := b.States(); got != "closed:committed closed:committed closed:committed" {
		t.Error(got)
	}
}

func TestBranchesAndOctopus(t *testing.T) {
	for _, octopus := range []bool{false, true} {
		b := jobstest.New(t)
		for i := range 2 {
			b.Submit(schedule.Options{Outputs: []string{fmt.Sprintf("o%d", i)}})
			b.Write(fmt.Sprintf("o%d", i), "x")
			b.S.Set(t, fmt.Sprint(101+i), "COMPLETED")
		}
		_, err := b.Finish(finish.Options{Branches: !octopus, Octopus: octopus})
		jobstest.Must(t, err)
		if octopus {
			if got := b.Git("log", "-1", "--format=%s %p"); !strings.HasPrefix(got, "Merge all branches from finished jobs ") || len(strings.Fields(got)) != 9 {
				t.Error(got)
			}
			continue
		}
		for _, id := range []string{"101", "102"} {
			if got := b.Git("log", "-1", "--format=%s", "slurm-job-branch-"+id); got != "[DATALAD SLURM RUN] Slurm job "+id+": Completed" {
				t.Error(got)
			}
		}
	}
}

// TestBranchesPutTheWorkTreeBack: afterwards it is what the branch says.
func TestBranchesPutTheWorkTreeBack(t *testing.T) {
	b := jobstest.New(t)
	b.Write("old.bin", "\x00\x01old")
	b.Write("old.txt", "old\n")
	b.Save()
	b.Submit(schedule.Options{Outputs: []string{"old.bin", "old.txt", "new.bin", "dir"}})
	b.Write("new.bin", "\x00\x01new")
	b.Write("dir/new.txt", "new\n")
	for name, text := range map[string]string{"old.bin": "\x00\x02changed", "old.txt": "changed\n"} {
		jobstest.Must(t, os.Remove(filepath.Join(b.Dir, name)))
		b.Write(name, text)
	}
	b.S.Set(t, "101", "COMPLETED")
	_, err := b.Finish(finish.Options{Branches: true})
	jobstest.Must(t, err)
	if got := b.Git("status", "--porcelain"); got != "" {
		t.Errorf("git status: %s", got)
	}
	for name, want := range map[string]string{"old.bin": "\x00\x01old", "old.txt": "old\n"} {
		if got, err := os.ReadFile(filepath.Join(b.Dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q %v", name, got, err)
		}
	}
	b.Git("merge", "-q", "slurm-job-branch-101")
	if got, err := os.ReadFile(filepath.Join(b.Dir, "new.bin")); err != nil || string(got) != "\x00\x01new" {
		t.Errorf("new.bin after the merge: %q %v", got, err)
	}
}

func TestBranchesNeedABranch(t *testing.T) {
	b := jobstest.New(t)
	b.Git("checkout", "-q", "--detach")
	b.Submit(schedule.Options{Outputs: []string{"o"}})
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	for _, opt := range []finish.Options{{Branches: true}, {Octopus: true}} {
		_, err := b.Finish(opt)
		jobstest.WantErr(t, err, "detached HEAD")
	}
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
}

func TestOtherBranchIsRefused(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"o"}})
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	home := b.Git("symbolic-ref", "--short", "HEAD")
	b.Git("checkout", "-q", "-b", "side")
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if len(lines) != 1 || !strings.Contains(lines[0], home) || !strings.Contains(lines[0], "side") || !strings.HasPrefix(lines[0], "error ") {
		t.Error(lines)
	}
	lines, err = b.Finish(finish.Options{Here: true})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Error(lines, err)
	}
}

func TestChangedInputIsRecorded(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"o"}, Inputs: []string{"in.txt"}})
	b.Write("in.txt", "changed\n")
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	c, err := runrec.Parse(b.Git("log", "-1", "--format=%B"))
	jobstest.Must(t, err)
	ch, _ := c.Record.Extra["stemma"].(map[string]any)["inputs_changed"].(map[string]any)
	if ch["in.txt"] != b.Git("hash-object", "in.txt") {
		t.Errorf("%v", ch)
	}
	if !strings.Contains(b.Log.String(), "in.txt changed") {
		t.Error(b.Log)
	}
}

func TestSubfolder(t *testing.T) {
	b := jobstest.New(t)
	b.Reopen("job1")
	b.Write("job1/job.sh", "#!/bin/sh\n")
	id := b.Submit(schedule.Options{Outputs: []string{"out", "../top"}, Inputs: []string{"../in.txt"}})
	b.Write("job1/out", "x")
	b.Write("top", "x")
	b.S.Set(t, id, "COMPLETED")
	b.Reopen("")
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	got := b.Git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD")
	if got != "job1/out\njob1/slurm-101.out\njob1/slurm-job-101.env.json\ntop" {
		t.Error(got)
	}
	c, err := runrec.Parse(b.Git("log", "-1", "--format=%B"))
	jobstest.Must(t, err)
	if c.Record.Pwd != "job1" || strings.Join(c.Record.Outputs, " ") != "job1/out top job1/slurm-101.out job1/slurm-job-101.env.json" {
		t.Errorf("%+v", c.Record)
	}
}

func TestAltDir(t *testing.T) {
	b := jobstest.New(t)
	alt := filepath.Join(t.TempDir(), "alt dir")
	jobstest.Must(t, os.MkdirAll(alt, 0o755))
	b.Write("sub dir/in 2.dat", "\x01annexed")
	b.Save()
	b.Submit(schedule.Options{Outputs: []string{"res/o.dat", "o 2"}, Inputs: []string{"in.txt", "sub dir"}, AltDir: alt})
	for _, f := range []string{"in.txt", "sub dir/in 2.dat", "job.sh"} {
		if fi, err := os.Lstat(filepath.Join(alt, f)); err != nil || !fi.Mode().IsRegular() {
			t.Errorf("%s is not staged: %v", f, err)
		}
	}
	jobstest.Must(t, os.MkdirAll(filepath.Join(alt, "res"), 0o755))
	jobstest.Must(t, os.WriteFile(filepath.Join(alt, "res/o.dat"), []byte("\x01out"), 0o644))
	jobstest.Must(t, os.WriteFile(filepath.Join(alt, "o 2"), []byte("text\n"), 0o644))
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if _, err := os.Lstat(filepath.Join(b.Dir, "o 2")); err == nil {
		t.Error("brought back before the job completed", lines)
	}
	b.S.Set(t, "101", "COMPLETED")
	b.Write("o 2", "newer, and mine\n")
	lines, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if len(lines) != 1 || !strings.Contains(lines[0], "is newer") {
		t.Error(lines)
	}
	jobstest.Must(t, os.Remove(filepath.Join(b.Dir, "o 2")))
	lines, err = b.Finish(finish.Options{})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines, err)
	}
	got := b.Git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD")
	if got != "o 2\nres/o.dat\nslurm-101.out\nslurm-job-101.env.json" {
		t.Error(got)
	}
}

func TestLateDescription(t *testing.T) {
	b := jobstest.New(t)
	b.S.NoDescr = true
	b.Submit(schedule.Options{Outputs: []string{"o"}})
	b.S.NoDescr = false
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if got := b.Git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD"); got != "o\nslurm-101.out\nslurm-job-101.env.json" {
		t.Error(got)
	}
}

func TestOtherWorkTreeIsRefused(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"o"}})
	copied := filepath.Join(t.TempDir(), "copy")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", copied).Run() })
	if out, err := exec.Command("cp", "-a", b.Dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	orig := b.Dir
	b.Dir = copied
	b.Reopen("")
	_, err := b.Finish(finish.Options{JobID: "101"})
	jobstest.WantErr(t, err, "101", orig)
}

func TestSharedLogFile(t *testing.T) {
	b := jobstest.New(t)
	for _, o := range []string{"a", "b"} {
		b.Submit(schedule.Options{Outputs: []string{o}})
		b.Write(o, "x")
	}
	b.Write("slurm-101.out", "both\n")
	b.Write("slurm-102.out", "x\n")
	b.S.Set(t, "101", "COMPLETED")
	b.S.Set(t, "102", "COMPLETED")
	head, err := b.D.Repo.Head(t.Context())
	jobstest.Must(t, err)
	list := b.Jobs()
	list[1].SlurmOutputs = append(list[1].SlurmOutputs, "slurm-101.out")
	jobstest.Must(t, finish.Jobs(t.Context(), b.D, b.S, finish.Options{}, head, list, result.Discard))
	if n := strings.Count(b.Git("log", "--format=%s"), "Slurm job"); n != 2 {
		t.Error(n)
	}
	if got := b.Git("status", "--porcelain"); got != "" {
		t.Error(got)
	}
}
