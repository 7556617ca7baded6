package finish_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// stamped is a scheduler that has used an id again: it knows when the job was
// submitted that has it now.
type stamped struct {
	*jobstest.Scheduler
	at    time.Time
	asked []int // queries per round
}

func (s *stamped) Describe(ctx context.Context, id string) (sched.Description, error) {
	d, err := s.Scheduler.Describe(ctx, id)
	d.Submitted = s.at
	return d, err
}

func (s *stamped) Query(ctx context.Context, qs []sched.Query) (map[string]sched.Status, error) {
	s.asked = append(s.asked, len(qs))
	m, err := s.Scheduler.Query(ctx, qs)
	for _, q := range qs {
		if !q.Stamp.Equal(s.at) {
			m[q.ID] = sched.Status{ID: q.ID, State: sched.Unknown, Text: "UNKNOWN", Note: "another job has its id"}
		}
	}
	return m, err
}

// TestReusedID: the old job of an id is not judged by the new one, and both can
// be named.
func TestReusedID(t *testing.T) {
	b := jobstest.New(t)
	s := &stamped{Scheduler: b.S, at: time.Unix(1_000_000, 0)}
	schedule := func(out string) {
		t.Helper()
		jobstest.Must(t, os.RemoveAll(filepath.Join(b.S.Dir, "jobs", "101")))
		jobstest.Must(t, schedule.Run(t.Context(), b.D, s, schedule.Options{Cmd: "sbatch job.sh", Outputs: []string{out}}, &spoken{}))
	}
	schedule("old")
	s.at = s.at.Add(time.Hour)
	schedule("new")
	b.Write("old", "x")
	b.Write("new", "y")
	b.S.Set(t, "101", "COMPLETED")
	rows := b.Jobs()
	if len(rows) != 2 || rows[0].JobID != rows[1].JobID {
		t.Fatalf("%+v", rows)
	}
	jobstest.WantErr(t, finish.Run(t.Context(), b.D, s, finish.Options{JobID: "101"}, &spoken{}), "2 open jobs 101")
	got := &spoken{}
	jobstest.Must(t, finish.Run(t.Context(), b.D, s, finish.Options{}, got))
	if b.States() != "open: closed:committed" || !strings.Contains(got.String(), "101: UNKNOWN") {
		t.Errorf("%s\n%s", b.States(), got)
	}
	if len(s.asked) < 2 || s.asked[0] != 1 {
		t.Errorf("the questions were about %v jobs", s.asked)
	}
	if text := b.Git("show", "--stat", "HEAD"); !strings.Contains(text, "new") || strings.Contains(text, " old ") {
		t.Error(text)
	}
	jobstest.Must(t, jobs.Release(t.Context(), b.D, jobs.ReleaseOptions{Row: rows[0].ID}, &spoken{}))
	if b.States() != "closed:released closed:committed" {
		t.Error(b.States())
	}
}

// spoken keeps records as text.
type spoken struct{ strings.Builder }

func (d *spoken) Emit(r result.Record) error {
	_, err := d.WriteString(r.String("message") + "\n")
	return err
}
