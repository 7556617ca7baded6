package jobs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

var discard = result.Discard

func TestFinishManyInOneQuery(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		b.submit(ScheduleOptions{Outputs: []string{fmt.Sprintf("o%d", i)}, Message: "m"})
		b.write(fmt.Sprintf("o%d", i), "x")
	}
	b.s.set(t, "101", "COMPLETED")
	b.s.set(t, "102", "FAILED")
	b.s.set(t, "103", "COMPLETED")
	must(t, os.Remove(filepath.Join(b.dir, "o2")))
	b.s.set(t, "104", "COMPLETING")
	must(t, os.RemoveAll(filepath.Join(b.s.dir, "jobs", "105")))
	before := b.s.queries
	lines, err := b.finish(FinishOptions{})
	must(t, err)
	if b.s.queries != before+1 {
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
	if got := b.states(); got != "closed:committed open: open: open: open:" {
		t.Error(got)
	}
	b.write("o2", "late")
	lines, err = b.finish(FinishOptions{CommitFailed: true})
	must(t, err)
	if !strings.Contains(strings.Join(lines, "\n"), "ok Slurm job 102: Failed\nok Slurm job 103: Completed") {
		t.Error(lines)
	}
	msg := b.git("log", "-2", "--format=%B")
	if !strings.Contains(msg, "[DATALAD SLURM RUN] Slurm job 102: Failed\n\nSlurm job(s) for job 102 are not complete.Statuses: 102: FAILED\n\nm\n") {
		t.Error(msg)
	}
	b.s.set(t, "104", "CANCELLED by 7")
	lines, err = b.finish(FinishOptions{CloseFailed: true, JobID: "104"})
	if err != nil || len(lines) != 1 || lines[0] != "ok Closing failed / cancelled jobs. Statuses: 104: CANCELLED" {
		t.Error(lines, err)
	}
	if got := b.states(); got != "closed:committed closed:committed closed:committed closed:closed-failed open:" {
		t.Error(got)
	}
}

func TestKilledFinish(t *testing.T) {
	for _, step := range []string{"marked", "stored", "closing", "published"} {
		b := newBench(t)
		b.submit(ScheduleOptions{Outputs: []string{"o.dat", "o.txt"}})
		b.write("o.dat", "\x01bin")
		b.write("o.txt", "text\n")
		b.s.set(t, "101", "COMPLETED")
		if out, err := b.run(childSpec{Finish: true, Kill: step}); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		if step == "closing" {
			// Recovery runs in a command that knows nothing of jobs.
			lease, err := b.d.Publisher().Lock(t.Context(), "test")
			must(t, err)
			must(t, lease.Release())
		}
		lines, err := b.finish(FinishOptions{})
		must(t, err)
		if done := step == "published" || step == "closing" && !strings.Contains(strings.Join(lines, ""), "already"); done != (len(lines) == 0) {
			t.Errorf("%s: %v", step, lines)
		}
		if n := strings.Count(b.git("log", "--format=%s"), "Slurm job 101"); n != 1 {
			t.Errorf("%s: committed %d times", step, n)
		}
		if got := b.git("status", "--porcelain"); got != "" {
			t.Errorf("%s: status %s", step, got)
		}
	}
}

func TestConcurrentFinishCommitsOnce(t *testing.T) {
	b := newBench(t)
	for i := range 3 {
		b.submit(ScheduleOptions{Outputs: []string{fmt.Sprintf("o%d", i)}})
		b.write(fmt.Sprintf("o%d", i), "x")
		b.s.set(t, fmt.Sprint(101+i), "COMPLETED")
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := b.finish(FinishOptions{}); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if n := strings.Count(b.git("log", "--format=%s"), "Slurm job"); n != 3 {
		t.Errorf("%d commits", n)
	}
	if got := b.states(); got != "closed:committed closed:committed closed:committed" {
		t.Error(got)
	}
}

func TestBranchesAndOctopus(t *testing.T) {
	for _, octopus := range []bool{false, true} {
		b := newBench(t)
		for i := range 2 {
			b.submit(ScheduleOptions{Outputs: []string{fmt.Sprintf("o%d", i)}})
			b.write(fmt.Sprintf("o%d", i), "x")
			b.s.set(t, fmt.Sprint(101+i), "COMPLETED")
		}
		_, err := b.finish(FinishOptions{Branches: !octopus, Octopus: octopus})
		must(t, err)
		if octopus {
			if got := b.git("log", "-1", "--format=%s %p"); !strings.HasPrefix(got, "Merge all branches from finished jobs ") || len(strings.Fields(got)) != 9 {
				t.Error(got)
			}
			continue
		}
		for _, id := range []string{"101", "102"} {
			if got := b.git("log", "-1", "--format=%s", "slurm-job-branch-"+id); got != "[DATALAD SLURM RUN] Slurm job "+id+": Completed" {
				t.Error(got)
			}
		}
	}
}

// TestBranchesPutTheWorkTreeBack: afterwards it is what the branch says.
func TestBranchesPutTheWorkTreeBack(t *testing.T) {
	b := newBench(t)
	b.write("old.bin", "\x00\x01old")
	b.write("old.txt", "old\n")
	b.save()
	b.submit(ScheduleOptions{Outputs: []string{"old.bin", "old.txt", "new.bin", "dir"}})
	b.write("new.bin", "\x00\x01new")
	b.write("dir/new.txt", "new\n")
	for name, text := range map[string]string{"old.bin": "\x00\x02changed", "old.txt": "changed\n"} {
		must(t, os.Remove(filepath.Join(b.dir, name)))
		b.write(name, text)
	}
	b.s.set(t, "101", "COMPLETED")
	_, err := b.finish(FinishOptions{Branches: true})
	must(t, err)
	if got := b.git("status", "--porcelain"); got != "" {
		t.Errorf("git status: %s", got)
	}
	for name, want := range map[string]string{"old.bin": "\x00\x01old", "old.txt": "old\n"} {
		if got, err := os.ReadFile(filepath.Join(b.dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q %v", name, got, err)
		}
	}
	b.git("merge", "-q", "slurm-job-branch-101")
	if got, err := os.ReadFile(filepath.Join(b.dir, "new.bin")); err != nil || string(got) != "\x00\x01new" {
		t.Errorf("new.bin after the merge: %q %v", got, err)
	}
}

func TestBranchesNeedABranch(t *testing.T) {
	b := newBench(t)
	b.git("checkout", "-q", "--detach")
	b.submit(ScheduleOptions{Outputs: []string{"o"}})
	b.write("o", "x")
	b.s.set(t, "101", "COMPLETED")
	for _, opt := range []FinishOptions{{Branches: true}, {Octopus: true}} {
		_, err := b.finish(opt)
		wantErr(t, err, "detached HEAD")
	}
	_, err := b.finish(FinishOptions{})
	must(t, err)
}

func TestOtherBranchIsRefused(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"o"}})
	b.write("o", "x")
	b.s.set(t, "101", "COMPLETED")
	home := b.git("symbolic-ref", "--short", "HEAD")
	b.git("checkout", "-q", "-b", "side")
	lines, err := b.finish(FinishOptions{})
	must(t, err)
	if len(lines) != 1 || !strings.Contains(lines[0], home) || !strings.Contains(lines[0], "side") || !strings.HasPrefix(lines[0], "error ") {
		t.Error(lines)
	}
	lines, err = b.finish(FinishOptions{Here: true})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Error(lines, err)
	}
}

func TestChangedInputIsRecorded(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"in.txt"}})
	b.write("in.txt", "changed\n")
	b.write("o", "x")
	b.s.set(t, "101", "COMPLETED")
	_, err := b.finish(FinishOptions{})
	must(t, err)
	c, err := runrec.Parse(b.git("log", "-1", "--format=%B"))
	must(t, err)
	ch, _ := c.Record.Extra["stemma"].(map[string]any)["inputs_changed"].(map[string]any)
	if ch["in.txt"] != b.git("hash-object", "in.txt") {
		t.Errorf("%v", ch)
	}
	if !strings.Contains(b.log.String(), "in.txt changed") {
		t.Error(b.log)
	}
}

func TestSubfolder(t *testing.T) {
	b := newBench(t)
	b.reopen("job1")
	b.write("job1/job.sh", "#!/bin/sh\n")
	id := b.submit(ScheduleOptions{Outputs: []string{"out", "../top"}, Inputs: []string{"../in.txt"}})
	b.write("job1/out", "x")
	b.write("top", "x")
	b.s.set(t, id, "COMPLETED")
	b.reopen("")
	_, err := b.finish(FinishOptions{})
	must(t, err)
	got := b.git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD")
	if got != "job1/out\njob1/slurm-101.out\njob1/slurm-job-101.env.json\ntop" {
		t.Error(got)
	}
	c, err := runrec.Parse(b.git("log", "-1", "--format=%B"))
	must(t, err)
	if c.Record.Pwd != "job1" || strings.Join(c.Record.Outputs, " ") != "job1/out top job1/slurm-101.out job1/slurm-job-101.env.json" {
		t.Errorf("%+v", c.Record)
	}
}

func TestAltDir(t *testing.T) {
	b := newBench(t)
	alt := filepath.Join(t.TempDir(), "alt dir")
	must(t, os.MkdirAll(alt, 0o755))
	b.write("sub dir/in 2.dat", "\x01annexed")
	b.save()
	b.submit(ScheduleOptions{Outputs: []string{"res/o.dat", "o 2"}, Inputs: []string{"in.txt", "sub dir"}, AltDir: alt})
	for _, f := range []string{"in.txt", "sub dir/in 2.dat", "job.sh"} {
		if fi, err := os.Lstat(filepath.Join(alt, f)); err != nil || !fi.Mode().IsRegular() {
			t.Errorf("%s is not staged: %v", f, err)
		}
	}
	must(t, os.MkdirAll(filepath.Join(alt, "res"), 0o755))
	must(t, os.WriteFile(filepath.Join(alt, "res/o.dat"), []byte("\x01out"), 0o644))
	must(t, os.WriteFile(filepath.Join(alt, "o 2"), []byte("text\n"), 0o644))
	lines, err := b.finish(FinishOptions{})
	must(t, err)
	if _, err := os.Lstat(filepath.Join(b.dir, "o 2")); err == nil {
		t.Error("brought back before the job completed", lines)
	}
	b.s.set(t, "101", "COMPLETED")
	b.write("o 2", "newer, and mine\n")
	lines, err = b.finish(FinishOptions{})
	must(t, err)
	if len(lines) != 1 || !strings.Contains(lines[0], "is newer") {
		t.Error(lines)
	}
	must(t, os.Remove(filepath.Join(b.dir, "o 2")))
	lines, err = b.finish(FinishOptions{})
	if err != nil || len(lines) != 1 || lines[0] != "ok Slurm job 101: Completed" {
		t.Fatal(lines, err)
	}
	got := b.git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD")
	if got != "o 2\nres/o.dat\nslurm-101.out\nslurm-job-101.env.json" {
		t.Error(got)
	}
}

func TestLateDescription(t *testing.T) {
	b := newBench(t)
	b.s.noDescr = true
	b.submit(ScheduleOptions{Outputs: []string{"o"}})
	b.s.noDescr = false
	b.write("o", "x")
	b.s.set(t, "101", "COMPLETED")
	_, err := b.finish(FinishOptions{})
	must(t, err)
	if got := b.git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD"); got != "o\nslurm-101.out\nslurm-job-101.env.json" {
		t.Error(got)
	}
}

func TestOtherWorkTreeIsRefused(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"o"}})
	copied := filepath.Join(t.TempDir(), "copy")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", copied).Run() })
	if out, err := exec.Command("cp", "-a", b.dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("%s", out)
	}
	orig := b.dir
	b.dir = copied
	b.reopen("")
	_, err := b.finish(FinishOptions{JobID: "101"})
	wantErr(t, err, "101", orig)
}

func TestSharedLogFile(t *testing.T) {
	b := newBench(t)
	for _, o := range []string{"a", "b"} {
		b.submit(ScheduleOptions{Outputs: []string{o}})
		b.write(o, "x")
	}
	b.write("slurm-101.out", "both\n")
	b.write("slurm-102.out", "x\n")
	b.s.set(t, "101", "COMPLETED")
	b.s.set(t, "102", "COMPLETED")
	head, err := b.d.Repo.Head(t.Context())
	must(t, err)
	list := b.jobs()
	list[1].SlurmOutputs = append(list[1].SlurmOutputs, "slurm-101.out")
	must(t, finishJobs(t.Context(), b.d, b.s, FinishOptions{}, head, list, discard))
	if n := strings.Count(b.git("log", "--format=%s"), "Slurm job"); n != 2 {
		t.Error(n)
	}
	if got := b.git("status", "--porcelain"); got != "" {
		t.Error(got)
	}
}
