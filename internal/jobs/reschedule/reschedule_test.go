package reschedule_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/reschedule"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

func TestReschedule(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Message: "sep"})
	b.Write("o", "x")
	b.S.Set(t, "101", "COMPLETED")
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	first := b.Git("rev-parse", "HEAD")
	got := &result.Collector{}
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{}, got))
	jobstest.WantErr(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{}, result.Discard), "already claimed by job 102")
	b.S.Set(t, "102", "COMPLETED")
	_, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	msg := b.Git("log", "-1", "--format=%B")
	if !strings.HasPrefix(msg, "[DATALAD SLURM RUN] Slurm job 102: Completed\n\nSlurm job 101: Completed\n\nsep\n\nRe-submission of job 101.\n\n===") {
		t.Error(msg)
	}
	c, err := runrec.Parse(msg)
	jobstest.Must(t, err)
	if len(c.Record.Chain) != 1 || c.Record.Chain[0] != first || strings.Join(c.Record.Outputs, " ") != "./o slurm-102.out slurm-job-102.env.json" {
		t.Errorf("%+v", c.Record)
	}
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{}, result.Discard))
	b.S.Set(t, "103", "COMPLETED")
	_, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if msg := b.Git("log", "-1", "--format=%B"); !strings.HasPrefix(msg, "[DATALAD SLURM RUN] Slurm job 103: Completed\n\nSlurm job 102: Completed\n\nsep\n\nRe-submission of job 102.\n\n===") {
		t.Error(msg)
	}
	all := ""
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{Since: &all, Report: true}, got))
	if n := len(got.Records); got.Records[n-1].Action != reschedule.Action || got.Records[n-3].Fields["commit"] != first {
		t.Errorf("%v", got.Records)
	}
	var script bytes.Buffer
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{Since: &all, Script: &script}, result.Discard))
	if s := script.String(); !strings.HasPrefix(s, "#!/bin/sh\n#\n") || strings.Count(s, "\nsbatch job.sh\n") != 3 {
		t.Error(s)
	}
	rev := first + "^"
	jobstest.WantErr(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{Revision: rev}, result.Discard), "No schedule commits found in range")
	jobstest.WantErr(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{Revision: "nope"}, result.Discard), "nope")
}

func TestRescheduleFailedTasks(t *testing.T) {
	b := jobstest.New(t)
	b.Write("arr.sh", "#!/bin/sh\n#SBATCH --array=0-3%2\n")
	b.Write("sub/x", "x")
	b.Save()
	b.Reopen("sub")
	id := b.Submit(schedule.Options{Cmd: "sbatch ../arr.sh", Outputs: []string{"../out/{task}", "own{task}"}, Message: "first"})
	for n, state := range []string{"COMPLETED", "FAILED", "RUNNING", "TIMEOUT"} {
		b.SetTask(id, fmt.Sprint(n), state)
		b.Write(fmt.Sprintf("out/%d", n), fmt.Sprint(n))
		b.Write(fmt.Sprintf("sub/own%d", n), fmt.Sprint(n))
	}
	_, err := b.Finish(finish.Options{})
	jobstest.Must(t, err)
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{FailedTasks: true}, result.Discard))
	if got := b.S.Read("102", "args"); got != "--array=1,3%2 ../arr.sh" {
		t.Error(got)
	}
	js := b.Jobs()
	if js[1].Cmd != "sbatch ../arr.sh" || !cmp.Equal(js[1].Outputs, []string{"out/{task}", "sub/own{task}"}) || js[1].Tasks != 2 || !strings.Contains(js[1].Message, "first\n\nRe-submission of job 101, tasks 1,3.") {
		t.Errorf("%+v", js[1])
	}
	// Nothing is left to redo; the running task stays with the first job.
	err = reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{FailedTasks: true, Revision: id}, result.Discard)
	jobstest.WantErr(t, err, "job 101 has no failed tasks")
	b.SetTask(id, "2", "COMPLETED")
	b.S.Set(t, "102", "COMPLETED")
	_, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if got := b.States(); got != "closed:committed closed:committed" {
		t.Error(got)
	}
	if got := b.Git("log", "-4", "--format=%s"); !strings.Contains(got, "102_3: Completed\n") || !strings.Contains(got, "102_1: Completed\n") {
		t.Error(got)
	}
	own, _ := b.Record(":/Slurm job 102_3")["stemma"].(map[string]any)
	if own["array"] != "1,3" || own["task"] != 3.0 {
		t.Error(own)
	}
	// Commits of tasks are repeated together, and only they.
	since := b.Git("rev-parse", "HEAD~2")
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{Since: &since}, result.Discard))
	js = b.Jobs()
	var args []string
	for _, j := range js[2:] {
		args = append(args, b.S.Read(j.JobID, "args"))
	}
	if len(js) < 3 || len(js[2].Chain) == 0 {
		t.Fatal(js)
	}
	t.Log(args)
}

func TestRescheduleFailedTasksOfCommits(t *testing.T) {
	b := jobstest.New(t)
	id := b.Submit(schedule.Options{Cmd: "sbatch --array=0-3 job.sh", Outputs: []string{"whole"}})
	for n, state := range []string{"COMPLETED", "FAILED", "COMPLETED", "FAILED"} {
		b.SetTask(id, fmt.Sprint(n), state)
	}
	b.Write("whole/x", "x")
	err := reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{FailedTasks: true, Revision: id}, result.Discard)
	jobstest.WantErr(t, err, "do not hold {task}")
	_, err = b.Finish(finish.Options{CommitFailed: true})
	jobstest.Must(t, err)
	jobstest.Must(t, reschedule.Run(t.Context(), b.D, b.S, reschedule.Options{FailedTasks: true, Revision: "HEAD"}, result.Discard))
	if got := b.S.Read("102", "args"); got != "--array=1,3 --array=0-3 job.sh" && got != "--array=0-3 --array=1,3 job.sh" {
		t.Error(got)
	}
	if j := b.Jobs()[1]; !cmp.Equal(j.Outputs, []string{"./whole"}) || len(j.Chain) != 1 {
		t.Error(j)
	}
}
