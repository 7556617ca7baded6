package jobs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestReschedule(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Message: "sep"})
	b.write("o", "x")
	b.s.set(t, "101", "COMPLETED")
	_, err := b.finish(FinishOptions{})
	must(t, err)
	first := b.git("rev-parse", "HEAD")
	got := &result.Collector{}
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{}, got))
	wantErr(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{}, discard), "already claimed by job 102")
	b.s.set(t, "102", "COMPLETED")
	_, err = b.finish(FinishOptions{})
	must(t, err)
	msg := b.git("log", "-1", "--format=%B")
	if !strings.HasPrefix(msg, "[DATALAD SLURM RUN] Slurm job 102: Completed\n\nSlurm job 101: Completed\n\nsep\n\nRe-submission of job 101.\n\n===") {
		t.Error(msg)
	}
	c, err := runrec.Parse(msg)
	must(t, err)
	if len(c.Record.Chain) != 1 || c.Record.Chain[0] != first || strings.Join(c.Record.Outputs, " ") != "./o slurm-102.out slurm-job-102.env.json" {
		t.Errorf("%+v", c.Record)
	}
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{}, discard))
	b.s.set(t, "103", "COMPLETED")
	_, err = b.finish(FinishOptions{})
	must(t, err)
	if msg := b.git("log", "-1", "--format=%B"); !strings.HasPrefix(msg, "[DATALAD SLURM RUN] Slurm job 103: Completed\n\nSlurm job 102: Completed\n\nsep\n\nRe-submission of job 102.\n\n===") {
		t.Error(msg)
	}
	all := ""
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{Since: &all, Report: true}, got))
	if n := len(got.Records); got.Records[n-1].Action != ActionReschedule || got.Records[n-3].Fields["commit"] != first {
		t.Errorf("%v", got.Records)
	}
	var script bytes.Buffer
	must(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{Since: &all, Script: &script}, discard))
	if s := script.String(); !strings.HasPrefix(s, "#!/bin/sh\n#\n") || strings.Count(s, "\nsbatch job.sh\n") != 3 {
		t.Error(s)
	}
	rev := first + "^"
	wantErr(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{Revision: rev}, discard), "No schedule commits found in range")
	wantErr(t, Reschedule(t.Context(), b.d, b.s, RescheduleOptions{Revision: "nope"}, discard), "nope")
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
