package jobs_test

import (
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
)

func TestPrune(t *testing.T) {
	b := jobstest.New(t)
	n, err := jobs.Prune(t.Context(), b.D, time.Now())
	if n != 0 || err != nil {
		t.Fatalf("%d %v before any job", n, err)
	}
	one := b.Submit(schedule.Options{Outputs: []string{"one"}})
	b.Submit(schedule.Options{Outputs: []string{"two"}})
	b.Write("one", "1")
	b.S.Set(t, one, "COMPLETED")
	_, err = b.Finish(finish.Options{})
	jobstest.Must(t, err)
	if n, err = jobs.Prune(t.Context(), b.D, time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d %v: too young", n, err)
	}
	if n, err = jobs.Prune(t.Context(), b.D, time.Now().Add(time.Second)); n != 1 || err != nil {
		t.Errorf("%d %v: one is closed", n, err)
	}
	if got := b.States(); got != "open:" {
		t.Errorf("states %s", got)
	}
}
