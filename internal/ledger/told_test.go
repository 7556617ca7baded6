package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// claimed makes a ledger with one job in state submitting, whose line has
// answered.
func claimed(t *testing.T) (dir string, job Job) {
	t.Helper()
	dir = t.TempDir()
	job = Job{WorkTree: "/w", Cmd: "sbatch x", State: StateSubmitting, Claims: []string{"out"}, SubmitFile: filepath.Join(dir, "answer")}
	if err := os.WriteFile(job.SubmitFile, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	withOpen(t, dir, func(l *Ledger) {
		if _, err := l.Claim(t.Context(), &job, false); err != nil {
			t.Fatal(err)
		}
	})
	return dir, job
}

func withOpen(t *testing.T, dir string, fn func(*Ledger)) {
	t.Helper()
	l, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	fn(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func tell(t *testing.T, job Job) {
	t.Helper()
	job.State, job.JobID, job.Claims = StateOpen, "7", []string{"out", "log-\xff"}
	if err := Tell(&job); err != nil {
		t.Fatal(err)
	}
}

func (l *Ledger) wantState(t *testing.T, id int64, want State) {
	t.Helper()
	j, err := l.Get(t.Context(), id)
	if err != nil || j.State != want {
		t.Errorf("job is %s, want %s: %v", j.State, want, err)
	}
}

func TestToldIsTakenIn(t *testing.T) {
	dir, job := claimed(t)
	tell(t, job)
	for range 2 { // reading alone changes nothing on disk
		withOpen(t, dir, func(l *Ledger) {
			j, err := l.ByJobID(t.Context(), "7")
			if err != nil || j.State != StateOpen || len(j.Claims) != 2 || j.Claims[1] != "log-\xff" {
				t.Errorf("%+v %v", j, err)
			}
		})
	}
	withOpen(t, dir, func(l *Ledger) {
		failed := errors.New("no")
		if err := l.Update(t.Context(), func(*Tx) error { return failed }); !errors.Is(err, failed) {
			t.Error(err)
		}
		l.wantState(t, job.ID, StateOpen)
		if err := l.Update(t.Context(), func(*Tx) error { return nil }); err != nil {
			t.Error(err)
		}
	})
	DropCopy(&job)
	withOpen(t, dir, func(l *Ledger) { l.wantState(t, job.ID, StateOpen) })
}

func TestToldInVain(t *testing.T) {
	t.Run("torn", func(t *testing.T) {
		dir, job := claimed(t)
		tell(t, job)
		if err := os.Truncate(job.SubmitFile+copySuffix, 20); err != nil {
			t.Fatal(err)
		}
		withOpen(t, dir, func(l *Ledger) { l.wantState(t, job.ID, StateSubmitting) })
	})
	t.Run("another job's", func(t *testing.T) {
		dir, job := claimed(t)
		other := job
		other.SubmitFile = filepath.Join(dir, "other")
		if err := os.WriteFile(other.SubmitFile, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		tell(t, other)
		if err := os.Rename(other.SubmitFile+copySuffix, job.SubmitFile+copySuffix); err != nil {
			t.Fatal(err)
		}
		withOpen(t, dir, func(l *Ledger) { l.wantState(t, job.ID, StateSubmitting) })
	})
	t.Run("closed", func(t *testing.T) {
		dir, job := claimed(t)
		tell(t, job)
		withOpen(t, dir, func(l *Ledger) {
			if err := l.Finish(t.Context(), Closing{ID: job.ID, Outcome: Released}); err != nil {
				t.Fatal(err)
			}
		})
		withOpen(t, dir, func(l *Ledger) { l.wantState(t, job.ID, StateClosed) })
	})
	t.Run("given up", func(t *testing.T) {
		_, job := claimed(t)
		DropCopy(&job)
		job.State = StateOpen
		if err := Tell(&job); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
