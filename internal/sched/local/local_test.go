package local

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// wait asks until ok holds.
func wait(t *testing.T, s *Scheduler, id string, ok func(sched.Status) bool) sched.Status {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		m, err := s.Query(context.Background(), []sched.Query{{ID: id}})
		if err != nil {
			t.Fatal(err)
		}
		if ok(m[id]) {
			return m[id]
		}
		if time.Now().After(end) {
			t.Fatalf("job %s: %+v", id, m[id])
		}
	}
}

func mustSubmit(t *testing.T, submit func(line, dir string) (string, error), line, dir string) string {
	t.Helper()
	out, err := submit(line, dir)
	if err != nil {
		t.Fatal(err)
	}
	id, _, ok := sched.ParseSubmission([]byte(out))
	if !ok {
		t.Fatalf("no id in %q", out)
	}
	return id
}

func ended(st sched.Status) bool { return st.State.Final() }

// running waits until the script itself runs (its file exists).
func running(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(path); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not appear", path)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	s, submit := newScheduler(t, 1)
	id := mustSubmit(t, submit, "sbatch --parsable --time=0:01 --wrap 'sleep 30'", t.TempDir())
	if st := wait(t, s, id, ended); st.State != sched.Timeout || st.Text != "TIMEOUT" {
		t.Errorf("%+v", st)
	}
}

// TestSupervisorKilled: how the job would have ended nobody knows, its script
// must not go on, and the next job starts.
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	s, submit := newScheduler(t, 1)
	dir := t.TempDir()
	id := mustSubmit(t, submit, "sbatch --parsable --wrap 'touch up; sleep 2; touch survived'", dir)
	next := mustSubmit(t, submit, "sbatch --parsable --wrap true", dir)
	running(t, filepath.Join(dir, "up"))
	number, _ := strconv.Atoi(id)
	v, err := s.load(number)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(v.tasks[""].Supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if st := wait(t, s, id, ended); st.State != sched.NodeFail {
		t.Errorf("%+v", st)
	}
	if st := wait(t, s, next, ended); st.State != sched.Completed {
		t.Errorf("%+v", st)
	}
	time.Sleep(2200 * time.Millisecond)
	if _, err := os.Stat(filepath.Join(dir, "survived")); err == nil {
		t.Error("the script outlived its supervisor")
	}
}

// TestSupervisorTold: a supervisor that is told to end without anybody having
// cancelled the job (a shutdown) says NODE_FAIL.
func TestSupervisorTold(t *testing.T) {
	t.Parallel()
	s, submit := newScheduler(t, 1)
	dir := t.TempDir()
	id := mustSubmit(t, submit, "sbatch --parsable --wrap 'touch up; sleep 30'", dir)
	running(t, filepath.Join(dir, "up"))
	number, _ := strconv.Atoi(id)
	v, err := s.load(number)
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(v.tasks[""].Supervisor, syscall.SIGTERM)
	if st := wait(t, s, id, ended); st.State != sched.NodeFail {
		t.Errorf("%+v", st)
	}
}

// TestOtherBoot: a job of an earlier boot has failed; one of another machine
// that shares the folder is not judged.
func TestOtherBoot(t *testing.T) {
	t.Parallel()
	s, submit := newScheduler(t, 1)
	dir := t.TempDir()
	for host, want := range map[string]sched.State{s.host: sched.NodeFail, "elsewhere": sched.Running} {
		id := mustSubmit(t, submit, "sbatch --parsable --hold --wrap true", dir)
		number, _ := strconv.Atoi(id)
		v, err := s.load(number)
		if err != nil {
			t.Fatal(err)
		}
		v.Host = host
		if err := writeJSON(s.jobFile(number, "job.json"), v.job); err != nil {
			t.Fatal(err)
		}
		old := &taskState{State: sched.Running, Raw: "RUNNING", Host: host, Boot: "another", Supervisor: os.Getpid()}
		if err := s.saveTask(v, "", old); err != nil {
			t.Fatal(err)
		}
		m, err := s.Query(context.Background(), []sched.Query{{ID: id}})
		if err != nil || m[id].State != want {
			t.Errorf("%s: %+v, %v", host, m[id], err)
		}
		if host != s.host {
			if m[id].Note == "" {
				t.Error("no note")
			}
			_ = os.Remove(s.openMark(number))
		}
	}
}

// TestSlots: never more tasks at a time than there are slots, and a limit of
// the array counts too.
func TestSlots(t *testing.T) {
	t.Parallel()
	for limit, most := range map[string]int{"": 2, "%1": 1} {
		s, submit := newScheduler(t, 2)
		dir := t.TempDir()
		id := mustSubmit(t, submit, "sbatch --parsable -a 1-5"+limit+" -o /dev/null --wrap 'touch run.$SLURM_ARRAY_TASK_ID; ls run.* | wc -l >> counts; sleep 0.2; rm run.$SLURM_ARRAY_TASK_ID'", dir)
		if st := wait(t, s, id, ended); st.State != sched.Completed {
			t.Errorf("%+v", st)
		}
		counts, _ := os.ReadFile(filepath.Join(dir, "counts"))
		if n := strings.Fields(string(counts)); len(n) != 5 || n[0] == "" || slices.Max(n) > strconv.Itoa(most) {
			t.Errorf("limit %q: %q", limit, n)
		}
		if s, err := s.Describe(context.Background(), id); err != nil || len(s.Files) != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
}

// TestGoesOnAlone: the queue empties without anybody asking, after the
// terminal's shell and all of its process group have ended. (A hang-up would
// not do: under nohup it is ignored.)
func TestGoesOnAlone(t *testing.T) {
	t.Parallel()
	_, submit := newScheduler(t, 1)
	dir := t.TempDir()
	_, err := submit("sbatch --wrap 'sleep 0.3'; sbatch --wrap 'touch second'; kill -KILL 0", dir)
	if err == nil {
		t.Error("the shell survived its terminal")
	}
	running(t, filepath.Join(dir, "second"))
}

func TestVariables(t *testing.T) {
	t.Parallel()
	s, submit := newScheduler(t, 1)
	dir := t.TempDir()
	id := mustSubmit(t, submit, "SECRET=1 KEPT=2 SLURM_JOB_ID=99 sbatch --parsable -n2 -c3 -J nm -o env.%a -a 5,9 --export=KEPT,SET=3 --gres=gpu:1 --wrap 'env'", dir)
	if st := wait(t, s, id, ended); st.State != sched.Completed {
		t.Errorf("%+v", st)
	}
	out, err := os.ReadFile(filepath.Join(dir, "env.9"))
	if err != nil {
		t.Fatal(err)
	}
	number, _ := strconv.Atoi(id)
	lines := strings.Split(string(out), "\n")
	for _, want := range []string{"KEPT=2", "SET=3", "SLURM_JOB_ID=" + strconv.Itoa(number+1), "SLURM_ARRAY_JOB_ID=" + id, "SLURM_ARRAY_TASK_ID=9", "SLURM_ARRAY_TASK_COUNT=2",
		"SLURM_ARRAY_TASK_MIN=5", "SLURM_ARRAY_TASK_MAX=9", "SLURM_JOB_NAME=nm", "SLURM_SUBMIT_DIR=" + dir, "SLURM_NTASKS=2", "SLURM_CPUS_ON_NODE=6", "SLURM_JOB_NODELIST=" + s.host} {
		if !slices.Contains(lines, want) {
			t.Errorf("no %s in %q", want, lines)
		}
	}
	if strings.Contains(string(out), "SECRET") || slices.Contains(lines, "SLURM_JOB_ID=99") {
		t.Errorf("too much in %q", lines)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	_, submit := newScheduler(t, 1)
	dir := t.TempDir()
	for name, text := range map[string]string{"ok.sh": "#!/bin/sh\n", "noshebang.sh": "echo\n", "empty.sh": "", "crlf.sh": "#!/bin/sh\r\n", "bad.sh": "#!/bin/sh\n#SBATCH --nosuch\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for line, words := range map[string]string{
		"sbatch --no-such-option ok.sh": "unrecognized option '--no-such-option'", "sbatch bad.sh": "unrecognized option '--nosuch'", "sbatch noshebang.sh": "This does not look like a batch script",
		"sbatch empty.sh": "Batch script is empty!", "sbatch nosuch.sh": "Unable to open file nosuch.sh", "sbatch </dev/null": "Batch script is empty!", "sbatch crlf.sh": "DOS line breaks",
		"sbatch --time=abc ok.sh": "Invalid --time specification", "sbatch -d foo ok.sh": "dependency", "sbatch --array=a ok.sh": "Invalid job array specification", "sbatch --array=0-99999 ok.sh": "Invalid job array specification",
		"sbatch /tmp": "Batch script is empty!", "sbatch --wrap true ok.sh": "not permitted", "sbatch --wait --wrap 'exit 3'": "", "sbatch -Z": "invalid option -- 'Z'",
	} {
		out, err := submit(line, dir)
		if err == nil || !strings.Contains(err.Error(), words) || out != "" && words != "" {
			t.Errorf("%s: %q, %v", line, out, err)
		}
	}
	if out, err := submit("printf '#!/bin/sh\\ntrue\\n' | sbatch --parsable --mem 5 --part=x -W; squeue; scancel 77; sbatch -Q ok.sh", dir); err != nil || !strings.Contains(out, "JOBID") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]int64{"5": 300, "0:01": 1, "1:02:03": 3723, "1-2": 93600, "1-2:3": 93780, "1-2:3:4": 93784, "0": 0, "UNLIMITED": 0} {
		if got, err := parseLimit(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", "x", "1:2:3:4", "-1", "1-", "1-1:1:1:1"} {
		if got, err := parseLimit(bad); err == nil {
			t.Errorf("%q: %d", bad, got)
		}
	}
}

func TestParseBegin(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{"now": now, "now+90": now.Add(90 * time.Second), "now+1hour": now.Add(time.Hour), "now+2days": now.Add(48 * time.Hour),
		"11:30": now.Add(23*time.Hour + 30*time.Minute), "2026-12-01T08:00": time.Date(2026, 12, 1, 8, 0, 0, 0, time.Local)} {
		if got, err := parseBegin(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	if _, err := parseBegin("now-1", now); err == nil {
		t.Error("now-1 is accepted")
	}
}

func TestParseDependency(t *testing.T) {
	list, anyOf, err := parseDependency("afterok:1:2_3,after:4+5")
	want := []condition{{"afterok", 1, "", 0}, {"afterok", 2, "_3", 0}, {"after", 4, "", 5 * time.Minute}}
	if err != nil || anyOf || !slices.Equal(list, want) {
		t.Errorf("%v %v %v", list, anyOf, err)
	}
	if _, anyOf, err := parseDependency("afterok:1?afterany:2"); err != nil || !anyOf {
		t.Error(anyOf, err)
	}
	for _, bad := range []string{"foo", "afterok", "afterok:", "afterok:x", "singleton", "afterok:1+2"} {
		if _, _, err := parseDependency(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		` --job-name="a b" -o x`: {"--job-name=a b", "-o", "x"}, ` -J 'it''s' # comment`: {"-J", "its"}, ` a\ b #c`: {"a b"}, ` -o a#b`: {"-o", "a#b"}, ` ""`: {""}, ``: nil,
	} {
		if got := splitWords(line); !slices.Equal(got, want) {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func FuzzDirectives(f *testing.F) {
	f.Add("#!/bin/sh\n#SBATCH -J 'a b' --time=1:2 -a 1-5%2 # x\n")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := directives([]byte(text))
		if err != nil {
			return
		}
		if list := g.values["array"]; len(list) > 30 {
			return
		}
		_ = (&job{}).parseValues(g, time.Time{})
	})
}

// TestManySubmitters: submissions at the same time get numbers of their own.
func TestManySubmitters(t *testing.T) {
	t.Parallel()
	s, submit := newScheduler(t, 2)
	dir := t.TempDir()
	out, err := submit("for i in 1 2 3 4 5 6 7 8; do sbatch --parsable -a 0-1 -o /dev/null --wrap true & done; wait", dir)
	ids := strings.Fields(out)
	slices.Sort(ids)
	if err != nil || len(slices.Compact(ids)) != 8 {
		t.Fatalf("%q, %v", out, err)
	}
	for _, id := range ids {
		if st := wait(t, s, id, ended); st.State != sched.Completed || len(st.Tasks) != 2 {
			t.Errorf("%+v", st)
		}
	}
	if open, err := s.openJobs(); err != nil || len(open) != 0 {
		t.Errorf("open jobs %v, %v", open, err)
	}
}

// TestDamagedState: what cannot be read is unknown, and stops no other job.
func TestDamagedState(t *testing.T) {
	t.Parallel()
	s, submit := newScheduler(t, 1)
	dir := t.TempDir()
	bad := mustSubmit(t, submit, "sbatch --parsable --hold --wrap true", dir)
	number, _ := strconv.Atoi(bad)
	for _, text := range []string{"", "{", "[]", `{"id":1,"array":[]}`, `{"id":1,"array":[-1]}`} {
		if err := os.WriteFile(s.jobFile(number, "job.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		good := mustSubmit(t, submit, "sbatch --parsable --wrap true", dir)
		if st := wait(t, s, good, ended); st.State != sched.Completed {
			t.Errorf("%q: %+v", text, st)
		}
		m, err := s.Query(context.Background(), []sched.Query{{ID: bad}})
		if err != nil || m[bad].State.Final() {
			t.Errorf("%q: %+v, %v", text, m[bad], err)
		}
		_, _ = s.Describe(context.Background(), bad)
	}
	_ = os.Remove(s.openMark(number))
}
