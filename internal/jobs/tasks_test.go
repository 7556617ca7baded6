package jobs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

func TestArrayPerTask(t *testing.T) {
	b := newBench(t)
	id := b.submit(ScheduleOptions{Cmd: "sbatch --array=0-4%2 job.sh", Outputs: []string{"out/{task}.txt", "bin_{task:02}"}, Message: "m"})
	if got := strings.Join(b.jobs()[0].Claims[:4], " "); got != "out/0.txt out/1.txt out/2.txt out/3.txt" {
		t.Error(got)
	}
	b.submit(ScheduleOptions{Outputs: []string{"out/other.txt", "bin_05"}}) // beside, not in conflict
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"out/3.txt"}})
	wantErr(t, err, "out/3.txt", "101")
	for n, state := range []string{"COMPLETED", "COMPLETED", "FAILED", "RUNNING", "COMPLETED"} {
		b.setTask(id, fmt.Sprint(n), state)
		if n != 3 {
			b.write(fmt.Sprintf("out/%d.txt", n), fmt.Sprintln(n))
			b.write(fmt.Sprintf("bin_%02d", n), fmt.Sprintf("\x01%d", n))
		}
	}
	must(t, os.Remove(filepath.Join(b.dir, "bin_04"))) // incomplete
	lines, err := b.finish(FinishOptions{JobID: id})
	must(t, err)
	text := strings.Join(lines, "\n")
	for _, want := range []string{
		"ok Slurm job 101_0: Completed\nok Slurm job 101_1: Completed", "impossible Slurm job(s) for job 101 are not complete.Statuses: 101_2: FAILED, 101_3: RUNNING",
		"error job 101: declared output is missing: bin_04",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if got := b.git("show", "--format=", "--name-only", "HEAD"); got != "bin_01\nout/1.txt\nslurm-101_1.out" {
		t.Error(got)
	}
	rec := b.record("HEAD")
	own, _ := rec["stemma"].(map[string]any)
	if fmt.Sprint(rec["outputs"]) != "[./out/1.txt ./bin_01 slurm-101_1.out slurm-job-101.env.json]" || rec["slurm_job_id"] != 101.0 || own["task"] != 1.0 || rec["cmd"] != "sbatch --array=0-4%2 job.sh" {
		t.Error(rec)
	}
	if j := b.jobs()[0]; j.State != ledger.StateOpen || len(settledTasks(&j)) != 2 || len(j.Extra[markKey]) > 0 {
		t.Error(j)
	}
	// A settled task is settled; the rest comes later, and closes the job.
	b.write("bin_04", "\x014")
	lines, err = b.finish(FinishOptions{JobID: id, CloseFailed: true})
	must(t, err)
	if got := strings.Join(lines, "|"); got != "ok Closing failed / cancelled jobs. Statuses: 101_2: FAILED|impossible Slurm job(s) for job 101 are not complete.Statuses: 101_3: RUNNING|ok Slurm job 101_4: Completed" {
		t.Error(got)
	}
	rows, err := List(t.Context(), b.d, b.s, ListOptions{JobID: id})
	must(t, err)
	if rows[0].Settled != 4 || rows[0].Tasks != 5 || !strings.Contains(rows[0].Note, "4 of 5 tasks") {
		t.Error(rows)
	}
	b.setTask(id, "3", "TIMEOUT")
	b.write("out/3.txt", "part")
	_, err = b.finish(FinishOptions{JobID: id, CommitFailed: true})
	must(t, err)
	if j := b.jobs()[0]; j.State != ledger.StateClosed || j.Outcome != ledger.Committed || string(j.Commit) != b.git("rev-parse", "HEAD") {
		t.Error(j)
	}
	if got := b.git("log", "--format=%s", "-4"); got != "[DATALAD SLURM RUN] Slurm job 101_3: Timeout\n[DATALAD SLURM RUN] Slurm job 101_4: Completed\n[DATALAD SLURM RUN] Slurm job 101_1: Completed\n[DATALAD SLURM RUN] Slurm job 101_0: Completed" {
		t.Error(got)
	}
}

// TestArrayTasksLate knows the tasks only from the scheduler.
func TestArrayTasksLate(t *testing.T) {
	b := newBench(t)
	b.write("sub.sh", "#!/bin/sh\nsbatch --array=1,3 job.sh\n")
	id := b.submit(ScheduleOptions{Cmd: "sh sub.sh", Outputs: []string{"out_{task}"}})
	if j := b.jobs()[0]; j.Claims[0] != "out_1" || j.Claims[1] != "out_3" || j.Tasks != 2 {
		t.Error(j.Claims, j.Tasks)
	}
	b.write("out_1", "1")
	b.write("out_3", "3")
	b.s.set(t, id, "COMPLETED")
	_, err := b.finish(FinishOptions{})
	must(t, err)
	if got := b.states(); got != "closed:committed" {
		t.Error(got)
	}
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"o{task}"}})
	wantErr(t, err, "submits no array")
}

func TestKilledFinishOfTasks(t *testing.T) {
	for _, step := range []string{"marked", "stored", "closing", "published"} {
		b := newBench(t)
		id := b.submit(ScheduleOptions{Cmd: "sbatch --array=0-2 job.sh", Outputs: []string{"o{task}"}})
		b.write("o0", "0")
		b.write("o1", "\x011")
		b.s.set(t, id, "COMPLETED")
		b.setTask(id, "2", "RUNNING")
		if out, err := b.run(childSpec{Finish: true, Kill: step}); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		first, err := b.finish(FinishOptions{})
		must(t, err)
		t.Log(step, first, string(b.jobs()[0].Extra[markKey]), os.Getpid())
		for _, task := range []string{"0", "1"} {
			if n := strings.Count(b.git("log", "--format=%s"), "Slurm job 101_"+task); n != 1 {
				t.Errorf("%s: task %s is committed %d times", step, task, n)
			}
		}
		b.write("o2", "2")
		b.setTask(id, "2", "COMPLETED")
		lines, err := b.finish(FinishOptions{})
		must(t, err)
		if got := b.states(); got != "closed:committed" {
			t.Errorf("%s: %s %s", step, got, lines)
		}
	}
}

// TestTakenOver lets another node take over a job while it is being finished.
func TestTakenOver(t *testing.T) {
	b := newBench(t)
	for _, o := range []string{"a", "b"} {
		b.submit(ScheduleOptions{Outputs: []string{o}})
		b.write(o, o)
	}
	b.s.set(t, "101", "COMPLETED")
	b.s.set(t, "102", "COMPLETED")
	steal := func(name string) {
		if name != "stored" {
			return
		}
		must(t, withLedger(t.Context(), b.d, "steal", func(l *ledger.Ledger) error {
			job, err := l.ByJobID(t.Context(), "101")
			must(t, err)
			return l.Transition(t.Context(), job.ID, ledger.StateOpen, func(j *ledger.Job) {
				j.Extra[markKey] = json.RawMessage(`{"nonce":"another"}`)
			})
		}))
	}
	got := &result.Collector{}
	must(t, Finish(t.Context(), b.d, b.s, FinishOptions{step: steal}, got))
	if n := strings.Count(b.git("log", "--format=%s"), "Slurm job"); n != 1 {
		t.Errorf("%d commits", n)
	}
	if s := b.states(); s != "open: closed:committed" {
		t.Error(s)
	}
	if j := b.jobs()[0]; string(j.Extra[markKey]) != `{"nonce":"another"}` {
		t.Errorf("the other's mark is gone: %s", j.Extra[markKey])
	}
	if got.Records[0].Status != result.NotNeeded {
		t.Error(got.Records)
	}
}

// TestPipelineOfTasks waits for one task, or for all of them.
func TestPipelineOfTasks(t *testing.T) {
	b := newBench(t)
	id := b.submit(ScheduleOptions{Cmd: "sbatch --array=0-2 job.sh", Outputs: []string{"o/{task}"}})
	b.submit(ScheduleOptions{Outputs: []string{"one"}, Inputs: []string{"o/1"}})
	b.submit(ScheduleOptions{Outputs: []string{"all"}, Inputs: []string{"o/*"}})
	if one, all := b.s.read("102", "args"), b.s.read("103", "args"); one != "--dependency=afterok:101_1 job.sh" || all != "--dependency=afterok:101 job.sh" {
		t.Error(one, all)
	}
	b.setTask(id, "1", "COMPLETED")
	b.setTask(id, "0", "FAILED")
	b.write("o/1", "1")
	b.write("one", "x")
	b.s.set(t, "102", "COMPLETED")
	lines, err := b.finish(FinishOptions{})
	must(t, err)
	text := strings.Join(lines, "|")
	if !strings.Contains(text, "ok Slurm job 101_1: Completed|ok Slurm job 102: Completed") {
		t.Error(text)
	}
	// What is committed needs no waiting.
	b.submit(ScheduleOptions{Outputs: []string{"two"}, Inputs: []string{"o/1"}})
	if got := b.s.read("104", "args"); got != "job.sh" {
		t.Error(got)
	}
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"three"}, Inputs: []string{"o/0"}})
	wantErr(t, err, "input o/0 will be produced by job 101", "FAILED")
}

// TestArrayDescribedLate has a scheduler that does not answer at first: folders
// are claimed, and other inputs there are no business of the array.
func TestArrayDescribedLate(t *testing.T) {
	b := newBench(t)
	b.write("sub.sh", "#!/bin/sh\nsbatch --array=1,3 job.sh\n")
	b.s.noDescr = true
	id := b.submit(ScheduleOptions{Cmd: "sh sub.sh", Outputs: []string{"out_{task}"}})
	if j := b.jobs()[0]; !cmp.Equal(j.Claims, []string{"."}) {
		t.Error(j.Claims)
	}
	_, err := b.schedule(ScheduleOptions{Outputs: []string{"x"}, Inputs: []string{"in.txt"}, NoCheck: true})
	must(t, err)
	_, err = b.schedule(ScheduleOptions{Outputs: []string{"y"}, Inputs: []string{"out_3"}, NoCheck: true, NoAutoDependency: true})
	wantErr(t, err, "input out_3 will be produced by job 101")
	b.s.noDescr = false
	b.setTask(id, "1", "COMPLETED")
	b.setTask(id, "3", "RUNNING")
	b.write("out_1", "1")
	_, err = b.finish(FinishOptions{JobID: id})
	must(t, err)
	j := b.jobs()[0]
	if len(settledTasks(&j)) != 1 || !cmp.Equal(j.Claims, []string{"out_3", "slurm-101_1.out", "slurm-101_3.out", "slurm-job-101.env.json"}) {
		t.Error(j.Claims, settledTasks(&j))
	}
	b.setTask(id, "3", "COMPLETED")
	b.write("out_3", "3")
	b.s.noDescr = true
	_, err = b.finish(FinishOptions{JobID: id})
	must(t, err)
	if got := b.git("show", "--format=", "--name-only", "HEAD"); got != "out_3\nslurm-101_3.out" {
		t.Error(got)
	}
	if got := b.states(); got != "closed:committed open:" {
		t.Error(got)
	}
}
