package jobs

import (
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

func TestListAndOpenJobs(t *testing.T) {
	b := newBench(t)
	if rows, err := List(t.Context(), b.d, b.s, ListOptions{}); err != nil || len(rows) != 0 {
		t.Fatal(rows, err)
	}
	if ledger.HasOpen(commit.StateDir(b.d.Repo)) {
		t.Error("a look made a ledger")
	}
	b.submit(ScheduleOptions{Outputs: []string{"a"}})
	b.submit(ScheduleOptions{Outputs: []string{"b"}})
	b.s.set(t, "102", "RUNNING")
	rows, err := List(t.Context(), b.d, b.s, ListOptions{})
	must(t, err)
	want := "The following jobs are open: \n\nslurm-job-id   slurm-job-status\n101        PENDING\n102        RUNNING\n"
	if got := ListOpenJobs(rows); got != want {
		t.Errorf("%q", got)
	}
	if rows[0].Name != "job.sh" || rows[0].Outputs[0] != "./a" {
		t.Errorf("%+v", rows[0])
	}
	must(t, Release(t.Context(), b.d, ReleaseOptions{JobID: "101"}, discard))
	rows, err = List(t.Context(), b.d, b.s, ListOptions{All: true})
	if err != nil || len(rows) != 2 || rows[0].State != "RELEASED" {
		t.Errorf("%+v %v", rows, err)
	}
}

// The list of open jobs asks the scheduler once, and past jobs cost nothing.
func TestListMany(t *testing.T) {
	n := manyJobs()
	b := newBench(t)
	b.openMany(n, false)
	s := &standIn{state: sched.Running}
	start := time.Now()
	rows, err := List(t.Context(), b.d, s, ListOptions{All: true, Recent: 20})
	must(t, err)
	t.Logf("%d jobs: %v", n, time.Since(start))
	if len(rows) != n || s.queries != 1 || s.asked != n {
		t.Errorf("%d rows, %d queries about %d jobs", len(rows), s.queries, s.asked)
	}
}
