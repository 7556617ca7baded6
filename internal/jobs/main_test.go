package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// childVar makes the test binary play one command that kills itself.
const childVar = "STEMMA_JOBS_TEST_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childVar); spec != "" {
		os.Exit(child(spec))
	}
	os.Exit(m.Run())
}

// childSpec says what the child does and at which step it dies.
type childSpec struct {
	Dir, Sched, Kill string
	Finish           bool
	Sweep            string // table
	Cmd              string
	Outputs, Inputs  []string
	Isolated         string
}

func child(text string) int {
	var spec childSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		panic(err)
	}
	os.Unsetenv(childVar)
	kill := func(name string) {
		if name == spec.Kill {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	env := dataset.Env{Vars: os.Environ(), Cwd: spec.Dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	d, err := dataset.Open(context.Background(), spec.Dir, "test", env)
	if err == nil {
		s := &fakeSched{dir: spec.Sched}
		if spec.Finish {
			err = Finish(context.Background(), d, s, FinishOptions{step: kill}, result.Discard)
		} else if spec.Sweep != "" {
			opt := SweepOptions{Table: spec.Sweep, ScheduleOptions: ScheduleOptions{Cmd: spec.Cmd, Outputs: spec.Outputs, Jobs: 1, step: kill}}
			err = Sweep(context.Background(), d, s, opt, result.Discard)
		} else {
			err = Schedule(context.Background(), d, s, ScheduleOptions{Cmd: spec.Cmd, Outputs: spec.Outputs, Inputs: spec.Inputs, Isolated: spec.Isolated, step: kill}, result.Discard)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// sbatchScript is an sbatch that gives out ids and remembers the folder.
const sbatchScript = `#!/bin/sh
d=$FAKE_SCHED/jobs
n=101
if [ "$FAKE_MODE" = fail ]; then echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2; exit 1; fi
while ! mkdir "$d/$n" 2>/dev/null; do n=$((n+1)); done
pwd -P > "$d/$n/dir"
for a; do case "$a" in --dependency=*) echo "${a#*=}" > "$d/$n/dependency";; --array=*) echo "${a#*=}" > "$d/$n/array";; esac; done
for a; do case "$a" in *arr.sh) [ -f "$d/$n/array" ] || sed -n 's/^#SBATCH --array=//p' "$a" > "$d/$n/array";; esac; done
echo "$*" > "$d/$n/args"
echo PENDING > "$d/$n/state"
case "$FAKE_MODE" in
timeout) echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1;;
wrapper) echo "hello"; echo "Submitted batch job $n on cluster tiny"; echo "have a nice day";;
parsable) echo "$n";;
*) echo "sbatch: note" >&2; echo "Submitted batch job $n";;
esac
`

// fakeSched is a scheduler in a folder, shared by processes.
type fakeSched struct {
	dir       string
	mu        sync.Mutex
	queries   int
	noDescr   bool
	mute      bool // Query knows nothing
	forgets   bool // it takes no dependency
	cancelled []string
	arrayOf   int
	extraText []sched.Field
}

func (*fakeSched) Name() string        { return "slurm" }
func (s *fakeSched) Environ() []string { return []string{"FAKE_SCHED=" + s.dir} }
func (*fakeSched) ParseSubmission(out []byte) (string, string, bool) {
	return sched.ParseSubmission(out)
}
func (s *fakeSched) Cancel(_ context.Context, ids []string) error {
	s.cancelled = append(s.cancelled, ids...)
	return nil
}

// taskIDs are the tasks of an array, nil for another job.
func (s *fakeSched) taskIDs(id string) (ids []string) {
	list, err := sched.ParseTaskList(s.read(id, "array"))
	for _, n := range list.IDs {
		if err == nil {
			ids = append(ids, fmt.Sprintf("%s_%d", id, n))
		}
	}
	return ids
}

func (s *fakeSched) file(id, name string) string {
	id, _, _ = strings.Cut(id, ";")
	return filepath.Join(s.dir, "jobs", id, name)
}

func (s *fakeSched) read(id, name string) string {
	b, _ := os.ReadFile(s.file(id, name))
	return strings.TrimSpace(string(b))
}

func (s *fakeSched) Describe(_ context.Context, id string) (sched.Description, error) {
	dir := s.read(id, "dir")
	if dir == "" || s.noDescr {
		return sched.Description{}, errors.New("no such job")
	}
	dependency := s.read(id, "dependency")
	if s.forgets {
		dependency = ""
	}
	if tasks := s.taskIDs(id); len(tasks) > 0 {
		d := sched.Description{Tasks: len(tasks), TaskIDs: tasks, TaskFiles: map[string][]string{}, Name: "job.sh", WorkDir: dir, Dependency: dependency}
		d.Fields = []sched.Field{{Key: "JobId", Value: id}}
		for _, task := range tasks {
			log := filepath.Join(dir, "slurm-"+task+".out")
			os.WriteFile(log, []byte("log of "+task+"\n"), 0o644)
			d.Files, d.TaskFiles[task] = append(d.Files, log), []string{log}
		}
		return d, nil
	}
	log := filepath.Join(dir, "slurm-"+strings.Split(id, ";")[0]+".out")
	os.WriteFile(log, []byte("log\n"), 0o644)
	return sched.Description{
		Dependency: dependency,
		Fields: append([]sched.Field{
			{Key: "JobId", Value: id}, {Key: "JobName", Value: "job.sh"}, {Key: "UserId", Value: "ada(1)"}, {Key: "GroupId", Value: "g(0)"},
			{Key: "Account", Value: "acc"}, {Key: "SubmitTime", Value: "2026-01-01T00:00:00"}, {Key: "WorkDir", Value: dir}, {Key: "StdOut", Value: log},
		}, s.extraText...),
		Files: []string{log}, Tasks: max(1, s.arrayOf), Name: "job.sh", WorkDir: dir,
	}, nil
}

func (s *fakeSched) Query(_ context.Context, qs []sched.Query) (map[string]sched.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries++
	m := map[string]sched.Status{}
	for _, q := range qs {
		word := s.read(q.ID, "state")
		if word == "" || s.mute {
			m[q.ID] = sched.Status{ID: q.ID, State: sched.Unknown, Text: "UNKNOWN", Note: "the scheduler does not know it"}
			continue
		}
		id, _, _ := strings.Cut(q.ID, ";")
		if ids := s.taskIDs(id); len(ids) > 0 {
			st := sched.Status{ID: q.ID}
			for _, task := range ids {
				own := s.read(id, "state_"+strings.Split(task, "_")[1])
				if own == "" {
					own = word
				}
				st.Tasks = append(st.Tasks, sched.Task{ID: task, State: sched.ParseState(own), Raw: own})
			}
			st.State, st.Text = sched.Summarize(st.Tasks)
			m[q.ID] = st
			continue
		}
		t := sched.Task{ID: id, State: sched.ParseState(word), Raw: word, NodeList: "node7", MaxRSS: 4096,
			Start: time.Unix(1000, 0).UTC(), End: time.Unix(1060, 0).UTC()}
		st, text := sched.Summarize([]sched.Task{t})
		m[q.ID] = sched.Status{ID: q.ID, State: st, Text: text, Tasks: []sched.Task{t}}
	}
	return m, nil
}

func (s *fakeSched) Candidates(_ context.Context, since time.Time) (list []sched.Candidate, err error) {
	ids, _ := os.ReadDir(filepath.Join(s.dir, "jobs"))
	for _, e := range ids {
		fi, err := os.Stat(s.file(e.Name(), "dir"))
		if err != nil || fi.ModTime().Before(since) {
			continue
		}
		list = append(list, sched.Candidate{ID: e.Name(), Name: "job.sh", WorkDir: s.read(e.Name(), "dir"), Submitted: fi.ModTime()})
	}
	return list, nil
}

func (s *fakeSched) set(t *testing.T, id, state string) {
	t.Helper()
	if err := os.WriteFile(s.file(id, "state"), []byte(state), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *fakeSched) count(t *testing.T) int {
	t.Helper()
	ids, err := os.ReadDir(filepath.Join(s.dir, "jobs"))
	if err != nil {
		t.Fatal(err)
	}
	return len(ids)
}

// bench is a dataset with a fake scheduler.
type bench struct {
	t   testing.TB
	d   *dataset.Dataset
	s   *fakeSched
	log *strings.Builder
	dir string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	home, dir := t.TempDir(), filepath.Join(t.TempDir(), "ds")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	b := &bench{t: t, s: &fakeSched{dir: t.TempDir()}, log: &strings.Builder{}, dir: dir}
	must(t, os.MkdirAll(filepath.Join(b.s.dir, "jobs"), 0o755))
	bin := filepath.Join(home, "bin")
	must(t, os.MkdirAll(bin, 0o755))
	must(t, os.WriteFile(filepath.Join(bin, "sbatch"), []byte(sbatchScript), 0o755))
	vars := append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org",
		"PATH="+bin+":"+os.Getenv("PATH"), "FAKE_SCHED="+b.s.dir, "LOADEDMODULES=gcc/13:hdf5/1.14", "OMP_NUM_THREADS=4", "SECRET_TOKEN=hunter2")
	env := dataset.Env{Vars: vars, Cwd: dir, Log: slog.New(slog.NewTextHandler(b.log, nil))}
	d, err := dataset.Create(t.Context(), dataset.CreateOptions{Path: dir, User: "ada", Host: "h", Procedures: []string{"text2git"}}, env, result.Discard)
	must(t, err)
	t.Cleanup(d.Repo.Close)
	b.d = d
	b.write("job.sh", "#!/bin/sh\n")
	b.write("in.txt", "input\n")
	b.save()
	b.reopen("")
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reopen makes sub the user's folder.
func (b *bench) reopen(sub string) {
	b.t.Helper()
	env := b.d.Env
	env.Cwd = filepath.Join(b.dir, sub)
	must(b.t, os.MkdirAll(env.Cwd, 0o755))
	d, err := dataset.Open(b.t.Context(), env.Cwd, "test", env)
	must(b.t, err)
	b.t.Cleanup(d.Repo.Close)
	b.d = d
}

func (b *bench) mode(m string) {
	b.d.Env.Vars = append(b.d.Env.Vars[:len(b.d.Env.Vars):len(b.d.Env.Vars)], "FAKE_MODE="+m)
}

func (b *bench) write(rel, text string) {
	b.t.Helper()
	p := filepath.Join(b.dir, rel)
	must(b.t, os.MkdirAll(filepath.Dir(p), 0o755))
	must(b.t, os.WriteFile(p, []byte(text), 0o644))
}

func (b *bench) save() {
	b.t.Helper()
	_, err := b.d.Save(b.t.Context(), dataset.SaveOptions{}, result.Discard)
	must(b.t, err)
}

func (b *bench) git(args ...string) string {
	b.t.Helper()
	out, err := b.d.Repo.Output(b.t.Context(), args...)
	must(b.t, err)
	return strings.TrimRight(string(out), "\n")
}

func (b *bench) schedule(opt ScheduleOptions) (result.Record, error) {
	b.t.Helper()
	if opt.Cmd == "" {
		opt.Cmd = "sbatch job.sh"
	}
	got := &result.Collector{}
	err := Schedule(b.t.Context(), b.d, b.s, opt, got)
	for _, r := range got.Records {
		if r.Action == ActionSchedule || r.Action == ActionDryRun {
			return r, err
		}
	}
	return result.Record{}, err
}

// submit schedules and returns the job id.
func (b *bench) submit(opt ScheduleOptions) string {
	b.t.Helper()
	rec, err := b.schedule(opt)
	must(b.t, err)
	id, _ := rec.Fields["slurm_run_info"].(map[string]any)["slurm_job_id"].(string)
	if id == "" {
		b.t.Fatalf("no job id in %v", rec)
	}
	return id
}

// finish returns "action status message" of the finish records.
func (b *bench) finish(opt FinishOptions) ([]string, error) {
	b.t.Helper()
	got := &result.Collector{}
	err := Finish(b.t.Context(), b.d, b.s, opt, got)
	var lines []string
	for _, r := range got.Records {
		if r.Action == ActionFinish {
			lines = append(lines, string(r.Status)+" "+r.String("message"))
		}
	}
	return lines, err
}

// jobs lists all rows of the ledger.
func (b *bench) jobs() (list []ledger.Job) {
	b.t.Helper()
	l, err := ledger.Open(b.t.Context(), commit.StateDir(b.d.Repo))
	must(b.t, err)
	defer l.Close()
	for j, err := range l.Jobs(b.t.Context(), ledger.Filter{All: true}) {
		must(b.t, err)
		list = append(list, j)
	}
	return list
}

func (b *bench) states() string {
	var s []string
	for _, j := range b.jobs() {
		s = append(s, string(j.State)+":"+string(j.Outcome))
	}
	return strings.Join(s, " ")
}

// run starts the test binary as a command of its own.
func (b *bench) run(spec childSpec) (string, error) {
	b.t.Helper()
	spec.Dir, spec.Sched = b.d.Env.Cwd, b.s.dir
	text, err := json.Marshal(spec)
	must(b.t, err)
	exe, err := os.Executable()
	must(b.t, err)
	cmd := exec.Command(exe)
	cmd.Env, cmd.Dir = append(append([]string{}, b.d.Env.Vars...), childVar+"="+string(text)), spec.Dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func wantErr(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q lacks %q", err, w)
		}
	}
}
