package slurm

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// TestReusedIDs: whatever Slurm tells of a younger job of the same id is not
// taken for ours, and a requeue is not taken for a younger job.
func TestReusedIDs(t *testing.T) {
	ours := time.Unix(1_700_000_000, 0)
	live := func(state string, at time.Time) string { return fmt.Sprintf("12|12|%s|None|%d\n", state, at.Unix()) }
	acct := func(state string, at, end time.Time) string {
		return fmt.Sprintf("12|12|%s|0:0|0:0|%d|%d|00:00:01|n1||%d\n", state, at.Unix(), end.Unix(), at.Unix())
	}
	later := ours.Add(48 * time.Hour)
	soon := ours.Add(time.Minute)
	const nobody = "!slurm_load_jobs error: Invalid job id specified"
	for _, c := range []struct {
		name                      string
		squeue, sacct, all, shown string
		unstamped                 bool
		want                      sched.State
		note                      string
	}{
		{name: "ours", squeue: live("COMPLETED", ours), sacct: acct("COMPLETED", ours, soon), want: sched.Completed},
		{name: "ours, by our clock alone", squeue: live("COMPLETED", soon), sacct: acct("COMPLETED", soon, soon), unstamped: true, want: sched.Completed},
		{name: "ours, in the hour that comes twice", squeue: live("COMPLETED", ours.Add(time.Hour)), sacct: acct("COMPLETED", ours.Add(time.Hour), later), want: sched.Completed},
		{name: "another's, ours unknown", squeue: live("COMPLETED", later), sacct: acct("COMPLETED", later, later), all: acct("COMPLETED", later, later),
			shown: "Restarts=0", want: sched.Unknown, note: "another job"},
		{name: "another's, by our clock alone", squeue: live("COMPLETED", later), sacct: acct("COMPLETED", later, later), all: acct("COMPLETED", later, later),
			shown: "Restarts=0", unstamped: true, want: sched.Unknown, note: "another job"},
		{name: "another's runs, ours failed", squeue: live("RUNNING", later), sacct: acct("RUNNING", later, time.Time{}),
			all: acct("FAILED", ours, soon) + acct("RUNNING", later, later), shown: "Restarts=0", want: sched.Failed},
		{name: "another's failed, ours completed", squeue: nobody, sacct: acct("FAILED", later, later),
			all: acct("FAILED", later, later) + acct("COMPLETED", ours, soon), want: sched.Completed},
		{name: "requeued, pending", squeue: live("PENDING", soon), sacct: acct("PENDING", soon, time.Time{}), shown: "Restarts=1", want: sched.Pending},
		{name: "requeued twice, forgotten", squeue: nobody, sacct: acct("COMPLETED", later, later),
			all:  acct("NODE_FAIL", ours, later.Add(-3*time.Minute)) + acct("REQUEUED", later.Add(-2*time.Minute), later) + acct("COMPLETED", later, later),
			want: sched.Completed},
		{name: "ended by its node, id used again", squeue: nobody, sacct: acct("COMPLETED", later, later),
			all: acct("NODE_FAIL", ours, soon) + acct("COMPLETED", later, later), want: sched.NodeFail},
		{name: "no accounting, another's", squeue: live("COMPLETED", later), sacct: "!Slurm accounting storage is disabled", shown: "Restarts=0",
			want: sched.Unknown, note: "another job"},
		{name: "accounting is late: an older one", squeue: nobody, sacct: acct("COMPLETED", ours.Add(-48*time.Hour), ours.Add(-47*time.Hour)), want: sched.Unknown},
		{name: "an older one that ended just before", squeue: nobody, sacct: acct("COMPLETED", ours.Add(-time.Minute), ours), want: sched.Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := func(_ context.Context, name string, args, _ []string) (stdout, stderr []byte, exit int, err error) {
				text := map[string]string{"squeue": c.squeue, "sacct": c.sacct, "scontrol": "JobId=12 JobName=x\n   JobState=RUNNING " + c.shown + "\n"}[name]
				if name == "sacct" && args[0] == "-D" {
					text = c.all
				}
				if text, failed := strings.CutPrefix(text, "!"); failed {
					return nil, []byte(text), 1, nil
				}
				return []byte(text), nil, 0, nil
			}
			q := sched.Query{ID: "12", Submitted: ours, Stamp: ours}
			if c.unstamped {
				q.Stamp = time.Time{}
			}
			s := New(run)
			s.now = func() time.Time { return later.Add(time.Hour) }
			m, err := s.Query(t.Context(), []sched.Query{q})
			if got := m["12"]; err != nil || got.State != c.want || !strings.Contains(got.Note, c.note) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// TestClocks: our clock may be hours ahead of the controller's, or behind it.
func TestClocks(t *testing.T) {
	stamp := time.Unix(1_700_000_000, 0)
	for _, ahead := range []time.Duration{-5 * time.Hour, -11 * time.Minute, 0, 11 * time.Minute, 5 * time.Hour} {
		var calls []string
		line := func(task int) string {
			return fmt.Sprintf("12_%d|1%d|COMPLETED|0:0|0:0|%d|%d|00:00:01|n1||%d\n", task, task, stamp.Unix()+1, stamp.Unix()+9, stamp.Unix())
		}
		s := New(fake(map[string]string{"squeue": "!slurm_load_jobs error: Invalid job id specified", "sacct": line(0) + line(1)}, &calls))
		q := sched.Query{ID: "12", Tasks: 2, Submitted: stamp.Add(ahead), Stamp: stamp}
		s.now = func() time.Time { return stamp.Add(ahead + 20*time.Second) }
		if m, _ := s.Query(t.Context(), []sched.Query{q}); m["12"].State != sched.Completed {
			t.Errorf("clock %v ahead: %+v", ahead, m["12"])
		}
		// A task that accounting has not told of yet is not declared cancelled
		// because our clock is ahead.
		q.Tasks = 3
		if m, _ := s.Query(t.Context(), []sched.Query{q}); m["12"].State != sched.Unknown {
			t.Errorf("clock %v ahead, a task is missing: %+v", ahead, m["12"])
		}
	}
}

// TestHangingPrograms: whatever hangs below Slurm's programs, we do not.
func TestHangingPrograms(t *testing.T) {
	hangs := map[string]bool{}
	run := func(ctx context.Context, name string, _, _ []string) (stdout, stderr []byte, exit int, err error) {
		if hangs[name] {
			<-ctx.Done()
			return nil, nil, -1, ctx.Err()
		}
		if name == "squeue" {
			return []byte("12|12|RUNNING|None|1\n"), nil, 0, nil
		}
		return nil, nil, 0, nil
	}
	s := New(run)
	s.patience = 20 * time.Millisecond
	for _, c := range []struct {
		program, note string
		want          sched.State
	}{{"squeue", "squeue gave no answer within 20ms", sched.Unknown}, {"sacct", "", sched.Running}} {
		clear(hangs)
		hangs[c.program] = true
		m, err := s.Query(t.Context(), []sched.Query{{ID: "12"}})
		if got := m["12"]; err != nil || got.State != c.want || !strings.Contains(got.Note, c.note) {
			t.Errorf("%s hangs: %+v, %v", c.program, got, err)
		}
	}
	hangs["scancel"], hangs["scontrol"] = true, true
	if err := s.Cancel(t.Context(), []string{"12"}); err == nil || !strings.Contains(err.Error(), "scancel gave no answer") {
		t.Error(err)
	}
	if _, err := s.Describe(t.Context(), "12"); err == nil || !strings.Contains(err.Error(), "scontrol gave no answer") {
		t.Error(err)
	}
}
