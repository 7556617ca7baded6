package jobs

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/ledger"
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

// TestLogNamesOfTasks: Slurm tells %j of a task that has not started as the id
// of its array.
func TestLogNamesOfTasks(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		files, logs   string // those that are there; those of the job
	}{
		{"own ids", "log-%.txt", "log-101.txt log-102.txt log-103.txt", "log-101.txt log-102.txt log-103.txt"},
		{"id of the array", "log-%.txt", "log-101.txt", "log-101.txt"},
		{"twice", "%/log-%.txt", "101/log-101.txt 101/log-102.txt 101/log-103.txt", "101/log-101.txt 101/log-102.txt 101/log-103.txt"},
		{"with the task", "log-%_@", "log-102_0 log-103_1 log-101_2", "log-101_2 log-102_0 log-103_1"},
		{"default", "slurm-%_@.out", "slurm-101_0.out slurm-101_1.out slurm-101_2.out", "slurm-101_0.out slurm-101_1.out slurm-101_2.out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			j := ledger.Job{JobID: "101", WorkTree: top, Outputs: []string{"o"}}
			desc := sched.Description{TaskFiles: map[string][]string{}}
			st := sched.Status{}
			for i, own := range []string{"102", "103", "101"} {
				id := "101_" + string(rune('0'+i))
				name := strings.NewReplacer("%", "101", "@", id[4:]).Replace(c.pattern)
				desc.Waiting = append(desc.Waiting, id)
				desc.TaskFiles[id] = []string{filepath.Join(top, name)}
				j.SlurmOutputs = union(j.SlurmOutputs, []string{name})
				st.Tasks = append(st.Tasks, sched.Task{ID: id, OwnID: own, State: sched.Completed})
			}
			for f := range strings.FieldsSeq(c.files) {
				must(t, os.MkdirAll(filepath.Join(top, filepath.Dir(f)), 0o755))
				must(t, os.WriteFile(filepath.Join(top, f), nil, 0o644))
			}
			o := &over{job: j, status: st}
			o.prov.takeWaiting(&j, desc)
			if c.name == "default" && o.prov.Waiting != nil {
				t.Error("Slurm's default name is not doubtful")
			}
			o.nameLogs()
			if got := strings.Join(sorted(o.job.SlurmOutputs), " "); got != c.logs {
				t.Errorf("logs %s, want %s", got, c.logs)
			}
		})
	}
}

// spoken keeps records as text.
type spoken struct{ strings.Builder }

func (d *spoken) Emit(r result.Record) error {
	_, err := d.WriteString(r.String("message") + "\n")
	return err
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}
