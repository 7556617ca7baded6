package jobs

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// stamped is a scheduler that has used an id again: it knows when the job was
// submitted that has it now.
type stamped struct {
	*fakeSched
	at    time.Time
	asked []int // queries per round
}

func (s *stamped) Describe(ctx context.Context, id string) (sched.Description, error) {
	d, err := s.fakeSched.Describe(ctx, id)
	d.Submitted = s.at
	return d, err
}

func (s *stamped) Query(ctx context.Context, qs []sched.Query) (map[string]sched.Status, error) {
	s.asked = append(s.asked, len(qs))
	m, err := s.fakeSched.Query(ctx, qs)
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
	b := newBench(t)
	s := &stamped{fakeSched: b.s, at: time.Unix(1_000_000, 0)}
	schedule := func(out string) {
		t.Helper()
		must(t, os.RemoveAll(filepath.Join(b.s.dir, "jobs", "101")))
		must(t, Schedule(t.Context(), b.d, s, ScheduleOptions{Cmd: "sbatch job.sh", Outputs: []string{out}}, &spoken{}))
	}
	schedule("old")
	s.at = s.at.Add(time.Hour)
	schedule("new")
	b.write("old", "x")
	b.write("new", "y")
	b.s.set(t, "101", "COMPLETED")
	rows := b.jobs()
	if len(rows) != 2 || rows[0].JobID != rows[1].JobID {
		t.Fatalf("%+v", rows)
	}
	wantErr(t, Finish(t.Context(), b.d, s, FinishOptions{JobID: "101"}, &spoken{}), "2 open jobs 101")
	got := &spoken{}
	must(t, Finish(t.Context(), b.d, s, FinishOptions{}, got))
	if b.states() != "open: closed:committed" || !strings.Contains(got.String(), "101: UNKNOWN") {
		t.Errorf("%s\n%s", b.states(), got)
	}
	if len(s.asked) < 2 || s.asked[0] != 1 {
		t.Errorf("the questions were about %v jobs", s.asked)
	}
	if text := b.git("show", "--stat", "HEAD"); !strings.Contains(text, "new") || strings.Contains(text, " old ") {
		t.Error(text)
	}
	must(t, Release(t.Context(), b.d, ReleaseOptions{Row: rows[0].ID}, &spoken{}))
	if b.states() != "closed:released closed:committed" {
		t.Error(b.states())
	}
}

// spoken keeps records as text.
type spoken struct{ strings.Builder }

func (d *spoken) Emit(r result.Record) error {
	_, err := d.WriteString(r.String("message") + "\n")
	return err
}
