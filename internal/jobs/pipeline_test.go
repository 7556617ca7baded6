package jobs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// TestPipeline is a diamond: 101 makes a, 102 and 103 read it, 104 reads theirs.
func TestPipeline(t *testing.T) {
	b := newBench(t)
	b.write("dep.sh", "#!/bin/sh\n#SBATCH --dependency=afterany:77\n")
	b.submit(ScheduleOptions{Outputs: []string{"a"}})
	b.submit(ScheduleOptions{Outputs: []string{"b.txt"}, Inputs: []string{"a", "in.txt"}})
	b.submit(ScheduleOptions{Outputs: []string{"c"}, Inputs: []string{"a"}, Cmd: "sbatch dep.sh"})
	rec, err := b.schedule(ScheduleOptions{Outputs: []string{"d"}, Inputs: []string{"b.txt", "c/*.txt"}, Cmd: "sbatch --mem=3 job.sh {outputs}"})
	must(t, err)
	info, _ := rec.Fields["slurm_run_info"].(map[string]any)
	if info["cmd"] != "sbatch --mem=3 job.sh {outputs}" {
		t.Error(info["cmd"])
	}
	for id, want := range map[string]string{
		"101": "job.sh", "102": "--dependency=afterok:101 job.sh", "103": "--dependency=afterany:77,afterok:101 dep.sh",
		"104": "--mem=3 --dependency=afterok:102:103 job.sh d",
	} {
		if got := b.s.read(id, "args"); got != want {
			t.Errorf("job %s: %s", id, got)
		}
	}
	if !strings.Contains(b.log.String(), "job 104 waits (--dependency=afterok:102:103): input b.txt will be produced by job 102; input c/*.txt will be produced by job 103") {
		t.Error(b.log)
	}
	b.write("a", "a\n")
	b.write("b.txt", "b\n")
	b.write("c/1.txt", "\x01c")
	b.write("d", "d\n")
	for _, id := range []string{"101", "102", "103", "104"} {
		b.s.set(t, id, "COMPLETED")
	}
	// One job by its id takes those along that made its inputs.
	lines, err := b.finish(FinishOptions{JobID: "104"})
	must(t, err)
	if got := strings.Join(lines, "|"); got != "ok Slurm job 101: Completed|ok Slurm job 102: Completed|ok Slurm job 103: Completed|ok Slurm job 104: Completed" {
		t.Error(got)
	}
	own, _ := b.record("HEAD")["stemma"].(map[string]any)
	ids, _ := own["inputs"].(map[string]any)
	key, _ := ids["c/1.txt"].(string)
	if ids["b.txt"] != b.git("rev-parse", "HEAD:b.txt") || !strings.Contains(key, "-s2--") || own["inputs_changed"] != nil {
		t.Error(own)
	}
	if got := b.git("status", "--porcelain", "--untracked-files=no"); got != "" {
		t.Error(got)
	}
}

// TestPipelineOrder has a consumer whose row is older than its producer's.
func TestPipelineOrder(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"a"}})
	b.submit(ScheduleOptions{Outputs: []string{"b"}})
	b.submit(ScheduleOptions{Outputs: []string{"c"}})
	link := func(from, to string) {
		l, err := openLedger(t.Context(), b.d)
		must(t, err)
		job, err := l.ByJobID(t.Context(), from)
		must(t, err)
		must(t, l.Transition(t.Context(), job.ID, ledger.StateOpen, func(j *ledger.Job) {
			p := getProvenance(j)
			p.After = []producer{{Scheduler: "slurm", JobID: to, Inputs: []string{"x"}, Claims: []string{"x"}}}
			p.store(j)
		}))
		must(t, l.Close())
	}
	link("101", "103")
	for i, name := range []string{"a", "b", "c"} {
		b.write(name, name)
		b.s.set(t, []string{"101", "102", "103"}[i], "COMPLETED")
	}
	// A producer that cannot be committed holds its consumer back.
	must(t, os.Remove(filepath.Join(b.dir, "c")))
	lines, err := b.finish(FinishOptions{})
	must(t, err)
	if got := strings.Join(lines, "|"); !strings.Contains(got, "error job 101: it is complete, but job 103, which makes its input, could not be committed") || !strings.Contains(got, "ok Slurm job 102") {
		t.Error(got)
	}
	b.write("c", "c")
	lines, err = b.finish(FinishOptions{})
	must(t, err)
	if got := strings.Join(lines, "|"); got != "ok Slurm job 103: Completed|ok Slurm job 101: Completed" {
		t.Error(got)
	}
	// A ring is refused, and what has no part in it is not.
	for i, name := range []string{"e", "f", "g"} {
		b.submit(ScheduleOptions{Outputs: []string{name}})
		b.write(name, name)
		b.s.set(t, []string{"104", "105", "106"}[i], "COMPLETED")
	}
	link("104", "105")
	link("105", "104")
	lines, err = b.finish(FinishOptions{})
	must(t, err)
	if got := strings.Join(lines, "|"); !strings.Contains(got, "error job 104: jobs wait for each other in a ring: 104, 105") || !strings.Contains(got, "ok Slurm job 106") {
		t.Error(got)
	}
}

func TestPipelineFailedAncestor(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"a"}})
	b.submit(ScheduleOptions{Outputs: []string{"b"}, Inputs: []string{"a"}})
	b.submit(ScheduleOptions{Outputs: []string{"c"}, Inputs: []string{"b"}})
	b.submit(ScheduleOptions{Outputs: []string{"z"}})
	b.s.set(t, "101", "FAILED")
	b.write("z", "z")
	b.s.set(t, "104", "COMPLETED")
	lines, err := b.finish(FinishOptions{})
	must(t, err)
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"101: FAILED (waiting for it: 102, 103)", "102: PENDING (it waits for job 101, which is FAILED", "103: PENDING (it waits for job 101, which is FAILED", "ok Slurm job 104",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if got := strings.Join(b.pending(), " "); got != "101 102 103" {
		t.Error(got)
	}
	// New jobs that need what failed are refused.
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"y"}, Inputs: []string{"a"}})
	wantErr(t, err, "input a will be produced by job 101, which is FAILED")
	must(t, os.RemoveAll(filepath.Join(b.s.dir, "jobs", "102")))
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"y"}, Inputs: []string{"b"}})
	wantErr(t, err, "input b will be produced by job 102, which is UNKNOWN")
	var pe *PendingInputError
	if !errors.As(err, &pe) || pe.Job.JobID != "102" {
		t.Error(err)
	}
}

func TestPipelineFinishesFirst(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"a.txt", "late"}})
	b.s.set(t, "101", "COMPLETED")
	b.write("a.txt", "a\n")
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"b"}, Inputs: []string{"a.txt"}})
	wantErr(t, err, "input a.txt will be produced by job 101, which has completed, but could not be finished")
	if got := b.s.count(t); got != 1 {
		t.Errorf("%d jobs", got)
	}
	b.write("late", "x\n")
	b.submit(ScheduleOptions{Outputs: []string{"b"}, Inputs: []string{"a.txt"}})
	if got := b.git("log", "-1", "--format=%s"); !strings.Contains(got, "Slurm job 101: Completed") {
		t.Error(got)
	}
	if got := b.s.read("102", "args"); got != "job.sh" {
		t.Error(got)
	}
	if j := b.jobs(); string(j[len(j)-1].BaseCommit) != b.git("rev-parse", "HEAD") || j[len(j)-1].InputIDs["a.txt"] != b.git("rev-parse", "HEAD:a.txt") {
		t.Error(j)
	}
}

func TestDependencyRefused(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"a"}})
	for _, c := range []struct {
		opt   ScheduleOptions
		words []string
	}{
		{ScheduleOptions{NoAutoDependency: true}, []string{"input a will be produced by job 101, which is still open"}},
		{ScheduleOptions{Cmd: "sbatch job.sh | cat"}, []string{"input a will be produced by job 101", "no dependency can be added", "operator"}},
		{ScheduleOptions{Cmd: "sbatch -d afterok:1?afterok:2 job.sh"}, []string{"any of several"}},
		{ScheduleOptions{AltDir: t.TempDir()}, []string{"runs in another folder"}},
	} {
		c.opt.Outputs, c.opt.Inputs = []string{"b"}, []string{"a"}
		_, err := b.schedule(c.opt)
		wantErr(t, err, c.words...)
	}
	if got := b.s.count(t); got != 1 {
		t.Errorf("%d jobs", got)
	}
	// A scheduler that loses the dependency: the job is cancelled, its claim freed.
	b.s.forgets = true
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"b"}, Inputs: []string{"a"}})
	wantErr(t, err, "job 102 was submitted, but does not wait for job 101", "cancelled")
	if len(b.s.cancelled) != 1 || b.s.cancelled[0] != "102" || strings.Join(b.pending(), " ") != "101" {
		t.Error(b.s.cancelled, b.pending())
	}
	b.s.forgets = false
	b.submit(ScheduleOptions{Outputs: []string{"b"}, Inputs: []string{"a"}})
}

// otherSched is a second scheduler, which gives out the same ids.
type otherSched struct{ *fakeSched }

func (otherSched) Name() string { return "local" }

func TestJobsOfTwoSchedulers(t *testing.T) {
	b := newBench(t)
	other := otherSched{&fakeSched{dir: t.TempDir()}}
	must(t, os.MkdirAll(filepath.Join(other.dir, "jobs"), 0o755))
	b.submit(ScheduleOptions{Outputs: []string{"a"}})
	must(t, Schedule(t.Context(), b.d, other, ScheduleOptions{Cmd: "sbatch job.sh", Outputs: []string{"b"}}, discard))
	b.s.set(t, "101", "RUNNING")
	other.set(t, "101", "COMPLETED")
	b.write("b", "b")
	set := sched.NewSet(b.s, other)
	rows, err := List(t.Context(), b.d, set, ListOptions{})
	must(t, err)
	if len(rows) != 2 || rows[0].State != "RUNNING" || rows[1].State != "COMPLETED" {
		t.Error(rows)
	}
	rows, err = List(t.Context(), b.d, b.s, ListOptions{})
	must(t, err)
	if rows[1].State != "UNKNOWN" || !strings.Contains(rows[1].Note, "local") {
		t.Error(rows)
	}
	got := &result.Collector{}
	must(t, Finish(t.Context(), b.d, set, FinishOptions{}, got))
	if s := b.states(); s != "open: closed:committed" {
		t.Error(s, got.Records)
	}
	must(t, Schedule(t.Context(), b.d, other, ScheduleOptions{Cmd: "sbatch job.sh", Outputs: []string{"d"}}, discard))
	b.submit(ScheduleOptions{Outputs: []string{"e"}}) // both are called 102
	wantErr(t, Release(t.Context(), b.d, ReleaseOptions{JobID: "102"}, discard), "2 open jobs 102")
	other.set(t, "102", "FAILED")
	must(t, Finish(t.Context(), b.d, sched.NewSet(other, b.s), FinishOptions{JobID: "102", CloseFailed: true}, discard))
	if s := b.states(); s != "open: closed:committed closed:closed-failed open:" {
		t.Error(s)
	}
	// No job can wait for one on another scheduler.
	err = Schedule(t.Context(), b.d, sched.NewSet(other, b.s), ScheduleOptions{Cmd: "sbatch job.sh", Outputs: []string{"c"}, Inputs: []string{"a"}}, discard)
	wantErr(t, err, "job 101, which is still open, on the scheduler slurm")
}
