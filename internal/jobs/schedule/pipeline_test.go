package schedule_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// TestPipeline is a diamond: 101 makes a, 102 and 103 read it, 104 reads theirs.
func TestPipeline(t *testing.T) {
	b := jobstest.New(t)
	b.Write("dep.sh", "#!/bin/sh\n#SBATCH --dependency=afterany:77\n")
	b.Submit(schedule.Options{Outputs: []string{"a"}})
	b.Submit(schedule.Options{Outputs: []string{"b.txt"}, Inputs: []string{"a", "in.txt"}})
	b.Submit(schedule.Options{Outputs: []string{"c"}, Inputs: []string{"a"}, Cmd: "sbatch dep.sh"})
	rec, err := b.Schedule(schedule.Options{Outputs: []string{"d"}, Inputs: []string{"b.txt", "c/*.txt"}, Cmd: "sbatch --mem=3 job.sh {outputs}"})
	jobstest.Must(t, err)
	info, _ := rec.Fields["slurm_run_info"].(map[string]any)
	if info["cmd"] != "sbatch --mem=3 job.sh {outputs}" {
		t.Error(info["cmd"])
	}
	for id, want := range map[string]string{
		"101": "job.sh", "102": "--dependency=afterok:101 job.sh", "103": "--dependency=afterany:77,afterok:101 dep.sh",
		"104": "--mem=3 --dependency=afterok:102:103 job.sh d",
	} {
		if got := b.S.Read(id, "args"); got != want {
			t.Errorf("job %s: %s", id, got)
		}
	}
	if !strings.Contains(b.Log.String(), "job 104 waits (--dependency=afterok:102:103): input b.txt will be produced by job 102; input c/*.txt will be produced by job 103") {
		t.Error(b.Log)
	}
	b.Write("a", "a\n")
	b.Write("b.txt", "b\n")
	b.Write("c/1.txt", "\x01c")
	b.Write("d", "d\n")
	for _, id := range []string{"101", "102", "103", "104"} {
		b.S.Set(t, id, "COMPLETED")
	}
	// One job by its id takes those along that made its inputs.
	lines, err := b.Finish(finish.Options{JobID: "104"})
	jobstest.Must(t, err)
	if got := strings.Join(lines, "|"); got != "ok Slurm job 101: Completed|ok Slurm job 102: Completed|ok Slurm job 103: Completed|ok Slurm job 104: Completed" {
		t.Error(got)
	}
	own, _ := b.Record("HEAD")["stemma"].(map[string]any)
	ids, _ := own["inputs"].(map[string]any)
	key, _ := ids["c/1.txt"].(string)
	if ids["b.txt"] != b.Git("rev-parse", "HEAD:b.txt") || !strings.Contains(key, "-s2--") || own["inputs_changed"] != nil {
		t.Error(own)
	}
	if got := b.Git("status", "--porcelain", "--untracked-files=no"); got != "" {
		t.Error(got)
	}
}

// TestPipelineOrder has a consumer whose row is older than its producer's.
func TestPipelineOrder(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"a"}})
	b.Submit(schedule.Options{Outputs: []string{"b"}})
	b.Submit(schedule.Options{Outputs: []string{"c"}})
	link := func(from, to string) {
		l, err := jobdb.Open(t.Context(), b.D)
		jobstest.Must(t, err)
		job, err := l.ByJobID(t.Context(), from)
		jobstest.Must(t, err)
		jobstest.Must(t, l.Transition(t.Context(), job.ID, ledger.StateOpen, func(j *ledger.Job) {
			p := jobrec.Of(j)
			p.After = []jobrec.Producer{{Scheduler: "slurm", JobID: to, Inputs: []string{"x"}, Claims: []string{"x"}}}
			p.Store(j)
		}))
		jobstest.Must(t, l.Close())
	}
	link("101", "103")
	for i, name := range []string{"a", "b", "c"} {
		b.Write(name, name)
		b.S.Set(t, []string{"101", "102", "103"}[i], "COMPLETED")
	}
	// A producer that cannot be committed holds its consumer back.
	jobstest.Must(t, os.Remove(filepath.Join(b.Dir, "c")))
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if got := strings.Join(lines, "|"); !strings.Contains(got, "error job 101: it is complete, but job 103, which makes its input, could not be committed") || !strings.Contains(got, "ok Slurm job 102") {
		t.Error(got)
	}
	b.Write("c", "c")
	lines, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if got := strings.Join(lines, "|"); got != "ok Slurm job 103: Completed|ok Slurm job 101: Completed" {
		t.Error(got)
	}
	// A ring is refused, and what has no part in it is not.
	for i, name := range []string{"e", "f", "g"} {
		b.Submit(schedule.Options{Outputs: []string{name}})
		b.Write(name, name)
		b.S.Set(t, []string{"104", "105", "106"}[i], "COMPLETED")
	}
	link("104", "105")
	link("105", "104")
	lines, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if got := strings.Join(lines, "|"); !strings.Contains(got, "error job 104: jobs wait for each other in a ring: 104, 105") || !strings.Contains(got, "ok Slurm job 106") {
		t.Error(got)
	}
}

func TestPipelineFailedAncestor(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"a"}})
	b.Submit(schedule.Options{Outputs: []string{"b"}, Inputs: []string{"a"}})
	b.Submit(schedule.Options{Outputs: []string{"c"}, Inputs: []string{"b"}})
	b.Submit(schedule.Options{Outputs: []string{"z"}})
	b.S.Set(t, "101", "FAILED")
	b.Write("z", "z")
	b.S.Set(t, "104", "COMPLETED")
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"101: FAILED (waiting for it: 102, 103)", "102: PENDING (it waits for job 101, which is FAILED", "103: PENDING (it waits for job 101, which is FAILED", "ok Slurm job 104",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if got := strings.Join(b.Pending(), " "); got != "101 102 103" {
		t.Error(got)
	}
	// New jobs that need what failed are refused.
	_, err = b.Schedule(schedule.Options{Outputs: []string{"y"}, Inputs: []string{"a"}})
	jobstest.WantErr(t, err, "input a will be produced by job 101, which is FAILED")
	jobstest.Must(t, os.RemoveAll(filepath.Join(b.S.Dir, "jobs", "102")))
	_, err = b.Schedule(schedule.Options{Outputs: []string{"y"}, Inputs: []string{"b"}})
	jobstest.WantErr(t, err, "input b will be produced by job 102, which is UNKNOWN")
	var pe *schedule.PendingInputError
	if !errors.As(err, &pe) || pe.Job.JobID != "102" {
		t.Error(err)
	}
}

func TestPipelineFinishesFirst(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"a.txt", "late"}})
	b.S.Set(t, "101", "COMPLETED")
	b.Write("a.txt", "a\n")
	_, err := b.Schedule(schedule.Options{Outputs: []string{"b"}, Inputs: []string{"a.txt"}})
	jobstest.WantErr(t, err, "input a.txt will be produced by job 101, which has completed, but could not be finished")
	if got := b.S.Count(t); got != 1 {
		t.Errorf("%d jobs", got)
	}
	b.Write("late", "x\n")
	b.Submit(schedule.Options{Outputs: []string{"b"}, Inputs: []string{"a.txt"}})
	if got := b.Git("log", "-1", "--format=%s"); !strings.Contains(got, "Slurm job 101: Completed") {
		t.Error(got)
	}
	if got := b.S.Read("102", "args"); got != "job.sh" {
		t.Error(got)
	}
	if j := b.Jobs(); string(j[len(j)-1].BaseCommit) != b.Git("rev-parse", "HEAD") || j[len(j)-1].InputIDs["a.txt"] != b.Git("rev-parse", "HEAD:a.txt") {
		t.Error(j)
	}
}

func TestDependencyRefused(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"a"}})
	for _, c := range []struct {
		opt   schedule.Options
		words []string
	}{
		{schedule.Options{NoAutoDependency: true}, []string{"input a will be produced by job 101, which is still open"}},
		{schedule.Options{Cmd: "sbatch job.sh | cat"}, []string{"input a will be produced by job 101", "no dependency can be added", "operator"}},
		{schedule.Options{Cmd: "sbatch -d afterok:1?afterok:2 job.sh"}, []string{"any of several"}},
		{schedule.Options{AltDir: t.TempDir()}, []string{"runs in another folder"}},
	} {
		c.opt.Outputs, c.opt.Inputs = []string{"b"}, []string{"a"}
		_, err := b.Schedule(c.opt)
		jobstest.WantErr(t, err, c.words...)
	}
	if got := b.S.Count(t); got != 1 {
		t.Errorf("%d jobs", got)
	}
	// A scheduler that loses the dependency: the job is cancelled, its claim freed.
	b.S.Forgets = true
	_, err := b.Schedule(schedule.Options{Outputs: []string{"b"}, Inputs: []string{"a"}})
	jobstest.WantErr(t, err, "job 102 was submitted, but does not wait for job 101", "cancelled")
	if len(b.S.Cancelled) != 1 || b.S.Cancelled[0] != "102" || strings.Join(b.Pending(), " ") != "101" {
		t.Error(b.S.Cancelled, b.Pending())
	}
	b.S.Forgets = false
	b.Submit(schedule.Options{Outputs: []string{"b"}, Inputs: []string{"a"}})
}

func TestJobsOfTwoSchedulers(t *testing.T) {
	b := jobstest.New(t)
	other := jobstest.OtherSched{Scheduler: &jobstest.Scheduler{Dir: t.TempDir()}}
	jobstest.Must(t, os.MkdirAll(filepath.Join(other.Dir, "jobs"), 0o755))
	b.Submit(schedule.Options{Outputs: []string{"a"}})
	jobstest.Must(t, schedule.Run(t.Context(), b.D, other, schedule.Options{Cmd: "sbatch job.sh", Outputs: []string{"b"}}, result.Discard))
	b.S.Set(t, "101", "RUNNING")
	other.Set(t, "101", "COMPLETED")
	b.Write("b", "b")
	set := sched.NewSet(b.S, other)
	rows, err := jobs.List(t.Context(), b.D, set, jobs.ListOptions{})
	jobstest.Must(t, err)
	if len(rows) != 2 || rows[0].State != "RUNNING" || rows[1].State != "COMPLETED" {
		t.Error(rows)
	}
	rows, err = jobs.List(t.Context(), b.D, b.S, jobs.ListOptions{})
	jobstest.Must(t, err)
	if rows[1].State != "UNKNOWN" || !strings.Contains(rows[1].Note, "local") {
		t.Error(rows)
	}
	got := &result.Collector{}
	jobstest.Must(t, finish.Run(t.Context(), b.D, set, finish.Options{}, got))
	if s := b.States(); s != "open: closed:committed" {
		t.Error(s, got.Records)
	}
	jobstest.Must(t, schedule.Run(t.Context(), b.D, other, schedule.Options{Cmd: "sbatch job.sh", Outputs: []string{"d"}}, result.Discard))
	b.Submit(schedule.Options{Outputs: []string{"e"}}) // both are called 102
	jobstest.WantErr(t, jobs.Release(t.Context(), b.D, jobs.ReleaseOptions{JobID: "102"}, result.Discard), "2 open jobs 102")
	other.Set(t, "102", "FAILED")
	jobstest.Must(t, finish.Run(t.Context(), b.D, sched.NewSet(other, b.S), finish.Options{JobID: "102", CloseFailed: true}, result.Discard))
	if s := b.States(); s != "open: closed:committed closed:closed-failed open:" {
		t.Error(s)
	}
	// No job can wait for one on another scheduler.
	err = schedule.Run(t.Context(), b.D, sched.NewSet(other, b.S), schedule.Options{Cmd: "sbatch job.sh", Outputs: []string{"c"}, Inputs: []string{"a"}}, result.Discard)
	jobstest.WantErr(t, err, "job 101, which is still open, on the scheduler slurm")
}
