// Package schedtest is the suite that every implementation of
// sched.Scheduler must pass, on a scheduler that really runs jobs. It knows
// the schedulers only by their interface and by sbatch's command line.
package schedtest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// patience is how long a short job may take from submission to its end being
// known.
const patience = 60 * time.Second

// Submit runs a submission command line in dir, in a shell with the
// scheduler's environment, and returns its standard output. It fails the test
// if the command does.
type Submit func(line, dir string) (output []byte)

// suite is one run on one scheduler.
type suite struct {
	sched.Scheduler
	submit Submit
}

// Run tests the schedulers that fresh returns, one for each part of the
// suite. The parts run in parallel.
func Run(t *testing.T, fresh func(t *testing.T) (sched.Scheduler, Submit)) {
	parts := []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"Success", testSuccess},
		{"Failure", testFailure},
		{"Array", testArray},
		{"ArrayList", testArrayList},
		{"Dependency", testDependency},
		{"NeverStarts", testNeverStarts},
		{"Cancel", testCancel},
		{"CancelTask", testCancelTask},
		{"Held", testHeld},
		{"Unknown", testUnknown},
		{"Candidates", testCandidates},
		{"Directives", testDirectives},
		{"Many", testMany},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			s, submit := fresh(t)
			p.test(t, &suite{s, submit})
		})
	}
}

// start submits a line and returns the job's id and folder.
func (s *suite) start(t *testing.T, line string) (id, dir string) {
	t.Helper()
	dir = tempDir(t)
	return s.startIn(t, line, dir), dir
}

func (s *suite) startIn(t *testing.T, line, dir string) (id string) {
	t.Helper()
	out := s.submit(line, dir)
	id, _, ok := s.ParseSubmission(out)
	if !ok {
		t.Fatalf("no job id in %q", out)
	}
	t.Cleanup(func() { _ = s.Cancel(context.Background(), []string{id}) })
	return id
}

// tempDir is without symbolic links, because schedulers tell real paths.
func tempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s *suite) ask(t *testing.T, q sched.Query) sched.Status {
	t.Helper()
	m, err := s.Query(t.Context(), []sched.Query{q})
	if err != nil {
		t.Fatal(err)
	}
	if m[q.ID].ID != q.ID {
		t.Fatalf("no answer about %s: %+v", q.ID, m)
	}
	return m[q.ID]
}

// until asks until ok holds.
func (s *suite) until(t *testing.T, q sched.Query, ok func(sched.Status) bool) sched.Status {
	t.Helper()
	end := time.Now().Add(patience)
	for {
		st := s.ask(t, q)
		if ok(st) {
			return st
		}
		if time.Now().After(end) {
			t.Fatalf("job %s after %v: %+v", q.ID, patience, st)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func final(st sched.Status) bool { return st.State.Final() }

func query(id string, tasks int) sched.Query {
	return sched.Query{ID: id, Tasks: tasks, Submitted: time.Now()}
}

func check(t *testing.T, st sched.Status, state sched.State, text string) {
	t.Helper()
	if st.State != state || st.Text != text {
		t.Errorf("got %+v, want %s %q", st, state, text)
	}
}

func testSuccess(t *testing.T, s *suite) {
	id, dir := s.start(t, `sbatch --job-name=good --wrap 'echo "out of $SLURM_JOB_ID"; echo err >&2'`)
	d, err := s.Describe(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "slurm-"+id+".out")
	if !slices.Equal(d.Files, []string{path}) || d.Tasks != 1 || !slices.Equal(d.TaskIDs, []string{id}) || d.Name != "good" || d.WorkDir != dir {
		t.Errorf("description %+v", d)
	}
	if len(d.Fields) < 5 || d.Fields[0] != (sched.Field{Key: "JobId", Value: id}) {
		t.Errorf("fields %v", d.Fields)
	}
	st := s.until(t, query(id, 1), final)
	check(t, st, sched.Completed, "COMPLETED")
	if len(st.Tasks) != 1 || st.Tasks[0].ID != id || st.Tasks[0].NodeList == "" && s.Name() == "local" {
		t.Errorf("tasks %+v", st.Tasks)
	}
	if out, err := os.ReadFile(path); err != nil || string(out) != "out of "+id+"\nerr\n" {
		t.Errorf("output %q, %v", out, err)
	}
}

func testFailure(t *testing.T, s *suite) {
	id, _ := s.start(t, `sbatch --parsable --wrap 'exit 3'`)
	killed, _ := s.start(t, `sbatch --parsable --wrap 'kill -9 $$'`)
	noDir, _ := s.start(t, `sbatch --parsable --output=no/such/dir/out --wrap true`)
	// The exit code may reach accounting later than the state.
	s.until(t, query(id, 1), func(st sched.Status) bool { return final(st) && st.Tasks[0].ExitCode == 3 })
	check(t, s.ask(t, query(id, 1)), sched.Failed, "FAILED")
	s.until(t, query(killed, 1), func(st sched.Status) bool { return final(st) && st.Tasks[0].Signal == 9 })
	check(t, s.ask(t, query(killed, 1)), sched.Failed, "FAILED")
	check(t, s.until(t, query(noDir, 1), final), sched.Failed, "FAILED")
}

func testDependency(t *testing.T, s *suite) {
	dir := tempDir(t)
	first := s.startIn(t, `sbatch --parsable --wrap 'sleep 1; echo one >> log'`, dir)
	second := s.startIn(t, `sbatch --parsable --dependency=afterok:`+first+` --wrap 'echo two >> log'`, dir)
	third := s.startIn(t, `sbatch --parsable -d afterany:`+second+` --wrap 'echo three >> log'`, dir)
	st := s.until(t, query(third, 1), final)
	check(t, st, sched.Completed, "COMPLETED")
	if log, err := os.ReadFile(filepath.Join(dir, "log")); string(log) != "one\ntwo\nthree\n" {
		t.Errorf("order %q, %v", log, err)
	}
}

func testNeverStarts(t *testing.T, s *suite) {
	dir := tempDir(t)
	first := s.startIn(t, `sbatch --parsable --wrap 'sleep 1; false'`, dir)
	second := s.startIn(t, `sbatch --parsable -d afterok:`+first+` --wrap 'touch ran'`, dir)
	third := s.startIn(t, `sbatch --parsable -d afternotok:`+first+` --wrap true`, dir)
	st := s.until(t, query(second, 1), func(st sched.Status) bool { return st.NeverStarts })
	if st.State.Final() || st.Note == "" {
		t.Errorf("status %+v", st)
	}
	check(t, s.until(t, query(third, 1), final), sched.Completed, "COMPLETED")
	if err := s.Cancel(t.Context(), []string{second}); err != nil {
		t.Fatal(err)
	}
	check(t, s.until(t, query(second, 1), final), sched.Cancelled, "CANCELLED")
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the job ran though it depends on a failed one")
	}
}

func testCancel(t *testing.T, s *suite) {
	id, _ := s.start(t, `sbatch --parsable --wrap 'sleep 60'`)
	s.until(t, query(id, 1), func(st sched.Status) bool { return st.State == sched.Running })
	for range 2 { // once more does not matter
		if err := s.Cancel(t.Context(), []string{id}); err != nil {
			t.Fatal(err)
		}
	}
	check(t, s.until(t, query(id, 1), final), sched.Cancelled, "CANCELLED")
	if err := s.Cancel(t.Context(), []string{id, "99999999"}); err != nil {
		t.Errorf("cancel what has ended or is not known: %v", err)
	}
}

func testHeld(t *testing.T, s *suite) {
	id, _ := s.start(t, `sbatch --parsable -H --wrap true`)
	if st := s.ask(t, query(id, 1)); st.State != sched.Held || st.Text != "PENDING" || st.Note == "" {
		t.Errorf("status %+v", st)
	}
}

func testDirectives(t *testing.T, s *suite) {
	dir := tempDir(t)
	script := "#!/bin/sh\n#SBATCH --job-name=named\n#SBATCH -o logs/%x-%j.out\n#SBATCH --error=logs/%j.err # where errors go\n\n" +
		"echo \"$SLURM_JOB_NAME $1 $FROM_OUTSIDE\"\necho bad >&2\n#SBATCH --output=ignored\n"
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "job.sh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	id := s.startIn(t, `FROM_OUTSIDE='x y' sbatch -J other job.sh 'an argument'`, dir)
	d, err := s.Describe(t.Context(), id)
	files := []string{filepath.Join(dir, "logs", "other-"+id+".out"), filepath.Join(dir, "logs", id+".err")}
	if err != nil || !slices.Equal(d.Files, files) {
		t.Fatalf("description %+v, %v", d, err)
	}
	// The script is what it was at submission.
	if err := os.WriteFile(filepath.Join(dir, "job.sh"), []byte("#!/bin/sh\nexit 9\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	check(t, s.until(t, query(id, 1), final), sched.Completed, "COMPLETED")
	if out, err := os.ReadFile(files[0]); strings.TrimSpace(string(out)) != "other an argument x y" {
		t.Errorf("output %q, %v", out, err)
	}
	if out, err := os.ReadFile(files[1]); strings.TrimSpace(string(out)) != "bad" {
		t.Errorf("error output %q, %v", out, err)
	}
}
