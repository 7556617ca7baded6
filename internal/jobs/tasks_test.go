package jobs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

func TestTaskPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, path, task string
	}{
		{"out/{task}.txt", "out/7.txt", "7"}, {"out/{task}.txt", "out/07.txt", ""}, {"out/{task:03}.txt", "out/007.txt", "7"}, {"out/{task:03d}", "out/1234", "1234"},
		{"{task}", "3/a/b", "3"}, {"o_{task}_{task}", "o_1_1", "1"}, {"o_{task}_{task}", "o_1_2", ""}, {"out/{task}.txt", "out/x.txt", ""}, {"a+{task}", "a+2", "2"},
		{"{task}", "99999999999999999999", ""},
	} {
		got, ok := taskIn(c.pattern, c.path)
		if ok != (c.task != "") || ok && got != c.task {
			t.Errorf("%s in %s: %q, %v", c.path, c.pattern, got, ok)
		}
	}
	if got := taskClaims("r/x/{task}/y", []int{1, 12}); !cmp.Equal(got, []string{"r/x/1/y", "r/x/12/y"}) {
		t.Error(got)
	}
	for p, want := range map[string]string{"r/x{task}/y": "r", "{task}": ".", "a/b/{task}": "a/b"} {
		if got := taskClaims(p, nil); !cmp.Equal(got, []string{want}) {
			t.Error(p, got)
		}
	}
}

func TestTaskListRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tasks := rapid.SliceOfNDistinct(rapid.IntRange(0, 60), 1, 30, rapid.ID[int]).Draw(t, "tasks")
		list, err := sched.ParseTaskList(taskList(tasks))
		if err != nil || len(list.IDs) != len(tasks) {
			t.Fatalf("%v: %q, %v", tasks, taskList(tasks), err)
		}
		row, n := rapid.Int64Range(1, 1<<40).Draw(t, "row"), rapid.IntRange(0, sched.MaxTasks-1).Draw(t, "task")
		r, task := splitTag(taskTag(row, fmt.Sprint(n)))
		if r != row || task != fmt.Sprint(n) || taskTag(row, "") != row {
			t.Fatalf("%d %d: %d %s", row, n, r, task)
		}
	})
}

func (b *bench) setTask(id, task, state string) {
	b.t.Helper()
	must(b.t, os.WriteFile(b.s.file(id, "state_"+task), []byte(state), 0o644))
}

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

func TestRescheduleFailedTasks(t *testing.T) {
	b := newBench(t)
	b.write("arr.sh", "#!/bin/sh\n#SBATCH --array=0-3%2\n")
	b.write("sub/x", "x")
	b.save()
	b.reopen("sub")
	id := b.submit(ScheduleOptions{Cmd: "sbatch ../arr.sh", Outputs: []string{"../out/{task}", "own{task}"}, Message: "first"})
	for n, state := range []string{"COMPLETED", "FAILED", "RUNNING", "TIMEOUT"} {
		b.setTask(id, fmt.Sprint(n), state)
		b.write(fmt.Sprintf("out/%d", n), fmt.Sprint(n))
		b.write(fmt.Sprintf("sub/own%d", n), fmt.Sprint(n))
	}
	_, err := b.finish(FinishOptions{})
	must(t, err)
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{FailedTasks: true}, discard))
	if got := b.s.read("102", "args"); got != "--array=1,3%2 ../arr.sh" {
		t.Error(got)
	}
	js := b.jobs()
	if js[1].Cmd != "sbatch ../arr.sh" || !cmp.Equal(js[1].Outputs, []string{"out/{task}", "sub/own{task}"}) || js[1].Tasks != 2 || !strings.Contains(js[1].Message, "first\n\nRe-submission of job 101, tasks 1,3.") {
		t.Errorf("%+v", js[1])
	}
	// Nothing is left to redo; the running task stays with the first job.
	err = Reschedule(t.Context(), b.d, b.s, RescheduleOptions{FailedTasks: true, Revision: id}, discard)
	wantErr(t, err, "job 101 has no failed tasks")
	b.setTask(id, "2", "COMPLETED")
	b.s.set(t, "102", "COMPLETED")
	_, err = b.finish(FinishOptions{})
	must(t, err)
	if got := b.states(); got != "closed:committed closed:committed" {
		t.Error(got)
	}
	if got := b.git("log", "-4", "--format=%s"); !strings.Contains(got, "102_3: Completed\n") || !strings.Contains(got, "102_1: Completed\n") {
		t.Error(got)
	}
	own, _ := b.record(":/Slurm job 102_3")["stemma"].(map[string]any)
	if own["array"] != "1,3" || own["task"] != 3.0 {
		t.Error(own)
	}
	// Commits of tasks are repeated together, and only they.
	since := b.git("rev-parse", "HEAD~2")
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{Since: &since}, discard))
	js = b.jobs()
	var args []string
	for _, j := range js[2:] {
		args = append(args, b.s.read(j.JobID, "args"))
	}
	if len(js) < 3 || len(js[2].Chain) == 0 {
		t.Fatal(js)
	}
	t.Log(args)
}

func TestRescheduleFailedTasksOfCommits(t *testing.T) {
	b := newBench(t)
	id := b.submit(ScheduleOptions{Cmd: "sbatch --array=0-3 job.sh", Outputs: []string{"whole"}})
	for n, state := range []string{"COMPLETED", "FAILED", "COMPLETED", "FAILED"} {
		b.setTask(id, fmt.Sprint(n), state)
	}
	b.write("whole/x", "x")
	err := Reschedule(t.Context(), b.d, b.s, RescheduleOptions{FailedTasks: true, Revision: id}, discard)
	wantErr(t, err, "do not hold {task}")
	_, err = b.finish(FinishOptions{CommitFailed: true})
	must(t, err)
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{FailedTasks: true, Revision: "HEAD"}, discard))
	if got := b.s.read("102", "args"); got != "--array=1,3 --array=0-3 job.sh" && got != "--array=0-3 --array=1,3 job.sh" {
		t.Error(got)
	}
	if j := b.jobs()[1]; !cmp.Equal(j.Outputs, []string{"./whole"}) || len(j.Chain) != 1 {
		t.Error(j)
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
