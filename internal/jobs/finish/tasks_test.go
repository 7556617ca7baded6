package finish_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

func TestArrayPerTask(t *testing.T) {
	b := jobstest.New(t)
	id := b.Submit(schedule.Options{Cmd: "sbatch --array=0-4%2 job.sh", Outputs: []string{"out/{task}.txt", "bin_{task:02}"}, Message: "m"})
	if got := strings.Join(b.Jobs()[0].Claims[:4], " "); got != "out/0.txt out/1.txt out/2.txt out/3.txt" {
		t.Error(got)
	}
	b.Submit(schedule.Options{Outputs: []string{"out/other.txt", "bin_05"}}) // beside, not in conflict
	_, err := b.Schedule(schedule.Options{Outputs: []string{"out/3.txt"}})
	jobstest.WantErr(t, err, "out/3.txt", "101")
	for n, state := range []string{"COMPLETED", "COMPLETED", "FAILED", "RUNNING", "COMPLETED"} {
		b.SetTask(id, fmt.Sprint(n), state)
		if n != 3 {
			b.Write(fmt.Sprintf("out/%d.txt", n), fmt.Sprintln(n))
			b.Write(fmt.Sprintf("bin_%02d", n), fmt.Sprintf("\x01%d", n))
		}
	}
	jobstest.Must(t, os.Remove(filepath.Join(b.Dir, "bin_04"))) // incomplete
	lines, err := b.Finish(finish.Options{JobID: id})
	jobstest.Must(t, err)
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"ok Slurm job 101_0: Completed\nok Slurm job 101_1: Completed", "impossible Slurm job(s) for job 101 are not complete.Statuses: 101_2: FAILED, 101_3: RUNNING",
		"error job 101: declared output is missing: bin_04",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if got := b.Git("show", "--format=", "--name-only", "HEAD"); got != "bin_01\nout/1.txt\nslurm-101_1.out" {
		t.Error(got)
	}
	rec := b.Record("HEAD")
	own, _ := rec["stemma"].(map[string]any)
	if fmt.Sprint(rec["outputs"]) != "[./out/1.txt ./bin_01 slurm-101_1.out slurm-job-101.env.json]" || rec["slurm_job_id"] != 101.0 || own["task"] != 1.0 || rec["cmd"] != "sbatch --array=0-4%2 job.sh" {
		t.Error(rec)
	}
	if j := b.Jobs()[0]; j.State != ledger.StateOpen || len(jobrec.SettledTasks(&j)) != 2 || len(j.Extra[jobdb.MarkKey]) > 0 {
		t.Error(j)
	}
	// A settled task is settled; the rest comes later, and closes the job.
	b.Write("bin_04", "\x014")
	lines, err = b.Finish(finish.Options{JobID: id, CloseFailed: true})
	jobstest.Must(t, err)
	if got := strings.Join(lines, "|"); got != "ok Closing failed / cancelled jobs. Statuses: 101_2: FAILED|impossible Slurm job(s) for job 101 are not complete.Statuses: 101_3: RUNNING|ok Slurm job 101_4: Completed" {
		t.Error(got)
	}
	rows, err := jobs.List(t.Context(), b.D, b.S, jobs.ListOptions{JobID: id})
	jobstest.Must(t, err)
	if rows[0].Settled != 4 || rows[0].Tasks != 5 || !strings.Contains(rows[0].Note, "4 of 5 tasks") {
		t.Error(rows)
	}
	b.SetTask(id, "3", "TIMEOUT")
	b.Write("out/3.txt", "part")
	_, err = b.Finish(finish.Options{JobID: id, CommitFailed: true})
	jobstest.Must(t, err)
	if j := b.Jobs()[0]; j.State != ledger.StateClosed || j.Outcome != ledger.Committed || string(j.Commit) != b.Git("rev-parse", "HEAD") {
		t.Error(j)
	}
	if got := b.Git("log", "--format=%s", "-4"); got != "[DATALAD SLURM RUN] Slurm job 101_3: Timeout\n[DATALAD SLURM RUN] Slurm job 101_4: Completed\n[DATALAD SLURM RUN] Slurm job 101_1: Completed\n[DATALAD SLURM RUN] Slurm job 101_0: Completed" {
		t.Error(got)
	}
}

// TestArrayTasksLate knows the tasks only from the scheduler.
func TestArrayTasksLate(t *testing.T) {
	b := jobstest.New(t)
	b.Write("sub.sh", "#!/bin/sh\nsbatch --array=1,3 job.sh\n")
	id := b.Submit(schedule.Options{Cmd: "sh sub.sh", Outputs: []string{"out_{task}"}})
	if j := b.Jobs()[0]; j.Claims[0] != "out_1" || j.Claims[1] != "out_3" || j.Tasks != 2 {
		t.Error(j.Claims, j.Tasks)
	}
	b.Write("out_1", "1")
	b.Write("out_3", "3")
	b.S.Set(t, id, "COMPLETED")
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if got := b.States(); got != "closed:committed" {
		t.Error(got)
	}
	_, err = b.Schedule(schedule.Options{Outputs: []string{"o{task}"}})
	jobstest.WantErr(t, err, "submits no array")
}

func TestKilledFinishOfTasks(t *testing.T) {
	for _, step := range []string{"marked", "stored", "closing", "published"} {
		b := jobstest.New(t)
		id := b.Submit(schedule.Options{Cmd: "sbatch --array=0-2 job.sh", Outputs: []string{"o{task}"}})
		b.Write("o0", "0")
		b.Write("o1", "\x011")
		b.S.Set(t, id, "COMPLETED")
		b.SetTask(id, "2", "RUNNING")
		if out, err := b.Run(jobstest.Command{Finish: true, Kill: step}); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		first, err := b.Finish(finish.Options{})
		jobstest.Must(t, err)
		t.Log(step, first, string(b.Jobs()[0].Extra[jobdb.MarkKey]), os.Getpid())
		for _, task := range []string{"0", "1"} {
			if n := strings.Count(b.Git("log", "--format=%s"), "Slurm job 101_"+task); n != 1 {
				t.Errorf("%s: task %s is committed %d times", step, task, n)
			}
		}
		b.Write("o2", "2")
		b.SetTask(id, "2", "COMPLETED")
		lines, err := b.Finish(finish.Options{})
		jobstest.Must(t, err)
		if got := b.States(); got != "closed:committed" {
			t.Errorf("%s: %s %s", step, got, lines)
		}
	}
}

// TestTakenOver lets another node take over a job while it is being finished.
func TestTakenOver(t *testing.T) {
	b := jobstest.New(t)
	for _, o := range []string{"a", "b"} {
		b.Submit(schedule.Options{Outputs: []string{o}})
		b.Write(o, o)
	}
	b.S.Set(t, "101", "COMPLETED")
	b.S.Set(t, "102", "COMPLETED")
	steal := func(name string) {
		if name != "stored" {
			return
		}
		jobstest.Must(t, jobdb.With(t.Context(), b.D, "steal", func(l *ledger.Ledger) error {
			job, err := l.ByJobID(t.Context(), "101")
			jobstest.Must(t, err)
			return l.Transition(t.Context(), job.ID, ledger.StateOpen, func(j *ledger.Job) {
				j.Extra[jobdb.MarkKey] = json.RawMessage(`{"nonce":"another"}`)
			})
		}))
	}
	got := &result.Collector{}
	jobstest.Must(t, finish.Run(t.Context(), b.D, b.S, finish.Options{Step: steal}, got))
	if n := strings.Count(b.Git("log", "--format=%s"), "Slurm job"); n != 1 {
		t.Errorf("%d commits", n)
	}
	if s := b.States(); s != "open: closed:committed" {
		t.Error(s)
	}
	if j := b.Jobs()[0]; string(j.Extra[jobdb.MarkKey]) != `{"nonce":"another"}` {
		t.Errorf("the other's mark is gone: %s", j.Extra[jobdb.MarkKey])
	}
	if got.Records[0].Status != result.NotNeeded {
		t.Error(got.Records)
	}
}

// TestPipelineOfTasks waits for one task, or for all of them.
func TestPipelineOfTasks(t *testing.T) {
	b := jobstest.New(t)
	id := b.Submit(schedule.Options{Cmd: "sbatch --array=0-2 job.sh", Outputs: []string{"o/{task}"}})
	b.Submit(schedule.Options{Outputs: []string{"one"}, Inputs: []string{"o/1"}})
	b.Submit(schedule.Options{Outputs: []string{"all"}, Inputs: []string{"o/*"}})
	if one, all := b.S.Read("102", "args"), b.S.Read("103", "args"); one != "--dependency=afterok:101_1 job.sh" || all != "--dependency=afterok:101 job.sh" {
		t.Error(one, all)
	}
	b.SetTask(id, "1", "COMPLETED")
	b.SetTask(id, "0", "FAILED")
	b.Write("o/1", "1")
	b.Write("one", "x")
	b.S.Set(t, "102", "COMPLETED")
	lines, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	text := strings.Join(lines, "|")
	if !strings.Contains(text, "ok Slurm job 101_1: Completed|ok Slurm job 102: Completed") {
		t.Error(text)
	}
	// What is committed needs no waiting.
	b.Submit(schedule.Options{Outputs: []string{"two"}, Inputs: []string{"o/1"}})
	if got := b.S.Read("104", "args"); got != "job.sh" {
		t.Error(got)
	}
	_, err = b.Schedule(schedule.Options{Outputs: []string{"three"}, Inputs: []string{"o/0"}})
	jobstest.WantErr(t, err, "input o/0 will be produced by job 101", "FAILED")
}

// TestArrayDescribedLate has a scheduler that does not answer at first: folders
// are claimed, and other inputs there are no business of the array.
func TestArrayDescribedLate(t *testing.T) {
	b := jobstest.New(t)
	b.Write("sub.sh", "#!/bin/sh\nsbatch --array=1,3 job.sh\n")
	b.S.NoDescr = true
	id := b.Submit(schedule.Options{Cmd: "sh sub.sh", Outputs: []string{"out_{task}"}})
	if j := b.Jobs()[0]; !cmp.Equal(j.Claims, []string{"."}) {
		t.Error(j.Claims)
	}
	_, err := b.Schedule(schedule.Options{Outputs: []string{"x"}, Inputs: []string{"in.txt"}, NoCheck: true})
	jobstest.Must(t, err)
	_, err = b.Schedule(schedule.Options{Outputs: []string{"y"}, Inputs: []string{"out_3"}, NoCheck: true, NoAutoDependency: true})
	jobstest.WantErr(t, err, "input out_3 will be produced by job 101")
	b.S.NoDescr = false
	b.SetTask(id, "1", "COMPLETED")
	b.SetTask(id, "3", "RUNNING")
	b.Write("out_1", "1")
	_, err = b.Finish(finish.Options{JobID: id})
	jobstest.Must(t, err)
	j := b.Jobs()[0]
	if len(jobrec.SettledTasks(&j)) != 1 || !cmp.Equal(j.Claims, []string{"out_3", "slurm-101_1.out", "slurm-101_3.out", "slurm-job-101.env.json"}) {
		t.Error(j.Claims, jobrec.SettledTasks(&j))
	}
	b.SetTask(id, "3", "COMPLETED")
	b.Write("out_3", "3")
	b.S.NoDescr = true
	_, err = b.Finish(finish.Options{JobID: id})
	jobstest.Must(t, err)
	if got := b.Git("show", "--format=", "--name-only", "HEAD"); got != "out_3\nslurm-101_3.out" {
		t.Error(got)
	}
	if got := b.States(); got != "closed:committed open:" {
		t.Error(got)
	}
}
