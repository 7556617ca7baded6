package jobs_test

import (
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

func TestListAndOpenJobs(t *testing.T) {
	b := jobstest.New(t)
	if rows, err := jobs.List(t.Context(), b.D, b.S, jobs.ListOptions{}); err != nil || len(rows) != 0 {
		t.Fatal(rows, err)
	}
	if ledger.HasOpen(commit.StateDir(b.D.Repo)) {
		t.Error("a look made a ledger")
	}
	b.Submit(schedule.Options{Outputs: []string{"a"}})
	b.Submit(schedule.Options{Outputs: []string{"b"}})
	b.S.Set(t, "102", "RUNNING")
	rows, err := jobs.List(t.Context(), b.D, b.S, jobs.ListOptions{})
	jobstest.Must(t, err)
	want := "The following jobs are open: \n\nslurm-job-id   slurm-job-status\n101        PENDING\n102        RUNNING\n"
	if got := jobs.ListOpenJobs(rows); got != want {
		t.Errorf("%q", got)
	}
	if rows[0].Name != "job.sh" || rows[0].Outputs[0] != "./a" {
		t.Errorf("%+v", rows[0])
	}
	jobstest.Must(t, jobs.Release(t.Context(), b.D, jobs.ReleaseOptions{JobID: "101"}, result.Discard))
	rows, err = jobs.List(t.Context(), b.D, b.S, jobs.ListOptions{All: true})
	if err != nil || len(rows) != 2 || rows[0].State != "RELEASED" {
		t.Errorf("%+v %v", rows, err)
	}
}

// The list of open jobs asks the scheduler once, and past jobs cost nothing.
func TestListMany(t *testing.T) {
	n := jobstest.ManyJobs()
	b := jobstest.New(t)
	b.OpenMany(n, false)
	s := &jobstest.StandIn{State: sched.Running}
	start := time.Now()
	rows, err := jobs.List(t.Context(), b.D, s, jobs.ListOptions{All: true, Recent: 20})
	jobstest.Must(t, err)
	t.Logf("%d jobs: %v", n, time.Since(start))
	if len(rows) != n || s.Queries != 1 || s.Asked != n {
		t.Errorf("%d rows, %d queries about %d jobs", len(rows), s.Queries, s.Asked)
	}
}
