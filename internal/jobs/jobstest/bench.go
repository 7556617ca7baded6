// Package jobstest is a dataset with a scheduler made of files, on which the tests
// of all packages that deal with jobs work, also in commands that kill themselves.
package jobstest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/sweep"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

// childVar makes the test binary play one command that kills itself.
const childVar = "STEMMA_JOBS_TEST_CHILD"

// Main runs the tests, or plays the command that Bench.Run starts.
func Main(m *testing.M) {
	if spec := os.Getenv(childVar); spec != "" {
		os.Exit(child(spec))
	}
	os.Exit(m.Run())
}

// Command says what the child does and at which step it dies.
type Command struct {
	Dir, Sched, Kill string
	Finish           bool
	Sweep            string // table
	Cmd              string
	Outputs, Inputs  []string
	Isolated         string
}

func child(text string) int {
	var spec Command
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
		s := &Scheduler{Dir: spec.Sched}
		if spec.Finish {
			err = finish.Run(context.Background(), d, s, finish.Options{Step: kill}, result.Discard)
		} else if spec.Sweep != "" {
			opt := sweep.Options{Table: spec.Sweep, Options: schedule.Options{Cmd: spec.Cmd, Outputs: spec.Outputs, Jobs: 1, Step: kill}}
			err = sweep.Run(context.Background(), d, s, opt, result.Discard)
		} else {
			err = schedule.Run(context.Background(), d, s, schedule.Options{Cmd: spec.Cmd, Outputs: spec.Outputs, Inputs: spec.Inputs, Isolated: spec.Isolated, Step: kill}, result.Discard)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Bench is a dataset with a fake scheduler.
type Bench struct {
	t   testing.TB
	D   *dataset.Dataset
	S   *Scheduler
	Log *strings.Builder
	Dir string
}

// New makes a dataset with a job script and an input.
func New(t testing.TB) *Bench {
	t.Helper()
	home, dir := t.TempDir(), filepath.Join(t.TempDir(), "ds")
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	b := &Bench{t: t, S: &Scheduler{Dir: t.TempDir()}, Log: &strings.Builder{}, Dir: dir}
	Must(t, os.MkdirAll(filepath.Join(b.S.Dir, "jobs"), 0o755))
	bin := filepath.Join(home, "bin")
	Must(t, os.MkdirAll(bin, 0o755))
	Must(t, os.WriteFile(filepath.Join(bin, "sbatch"), []byte(sbatchScript), 0o755))
	vars := append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "GIT_CONFIG_GLOBAL="+filepath.Join(home, "gitconfig"), "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org",
		"PATH="+bin+":"+os.Getenv("PATH"), "FAKE_SCHED="+b.S.Dir, "LOADEDMODULES=gcc/13:hdf5/1.14", "OMP_NUM_THREADS=4", "SECRET_TOKEN=hunter2")
	env := dataset.Env{Vars: vars, Cwd: dir, Log: slog.New(slog.NewTextHandler(b.Log, nil))}
	d, err := dataset.Create(t.Context(), dataset.CreateOptions{Path: dir, User: "ada", Host: "h", Procedures: []string{"text2git"}}, env, result.Discard)
	Must(t, err)
	t.Cleanup(d.Repo.Close)
	b.D = d
	b.Write("job.sh", "#!/bin/sh\n")
	b.Write("in.txt", "input\n")
	b.Save()
	b.Reopen("")
	return b
}

// Must ends a test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Reopen makes sub the user's folder.
func (b *Bench) Reopen(sub string) {
	b.t.Helper()
	env := b.D.Env
	env.Cwd = filepath.Join(b.Dir, sub)
	Must(b.t, os.MkdirAll(env.Cwd, 0o755))
	d, err := dataset.Open(b.t.Context(), env.Cwd, "test", env)
	Must(b.t, err)
	b.t.Cleanup(d.Repo.Close)
	b.D = d
}

// Mode makes sbatch fail, wrap its answer or die; see sbatchScript.
func (b *Bench) Mode(m string) {
	b.D.Env.Vars = append(b.D.Env.Vars[:len(b.D.Env.Vars):len(b.D.Env.Vars)], "FAKE_MODE="+m)
}

// Write writes a file of the dataset.
func (b *Bench) Write(rel, text string) {
	b.t.Helper()
	p := filepath.Join(b.Dir, rel)
	Must(b.t, os.MkdirAll(filepath.Dir(p), 0o755))
	Must(b.t, os.WriteFile(p, []byte(text), 0o644))
}

// Save commits everything.
func (b *Bench) Save() {
	b.t.Helper()
	_, err := b.D.Save(b.t.Context(), dataset.SaveOptions{}, result.Discard)
	Must(b.t, err)
}

// Git returns what git prints.
func (b *Bench) Git(args ...string) string {
	b.t.Helper()
	out, err := b.D.Repo.Output(b.t.Context(), args...)
	Must(b.t, err)
	return strings.TrimRight(string(out), "\n")
}

// Schedule schedules and returns the record.
func (b *Bench) Schedule(opt schedule.Options) (result.Record, error) {
	b.t.Helper()
	if opt.Cmd == "" {
		opt.Cmd = "sbatch job.sh"
	}
	got := &result.Collector{}
	err := schedule.Run(b.t.Context(), b.D, b.S, opt, got)
	for _, r := range got.Records {
		if r.Action == schedule.Action || r.Action == schedule.ActionDryRun {
			return r, err
		}
	}
	return result.Record{}, err
}

// Submit schedules and returns the job id.
func (b *Bench) Submit(opt schedule.Options) string {
	b.t.Helper()
	rec, err := b.Schedule(opt)
	Must(b.t, err)
	id, _ := rec.Fields["slurm_run_info"].(map[string]any)["slurm_job_id"].(string)
	if id == "" {
		b.t.Fatalf("no job id in %v", rec)
	}
	return id
}

// Finish returns "action status message" of the finish records.
func (b *Bench) Finish(opt finish.Options) ([]string, error) {
	b.t.Helper()
	got := &result.Collector{}
	err := finish.Run(b.t.Context(), b.D, b.S, opt, got)
	var lines []string
	for _, r := range got.Records {
		if r.Action == finish.Action {
			lines = append(lines, string(r.Status)+" "+r.String("message"))
		}
	}
	return lines, err
}

// Jobs lists all rows of the ledger.
func (b *Bench) Jobs() (list []ledger.Job) {
	b.t.Helper()
	l, err := ledger.Open(b.t.Context(), commit.StateDir(b.D.Repo))
	Must(b.t, err)
	defer l.Close()
	for j, err := range l.Jobs(b.t.Context(), ledger.Filter{All: true}) {
		Must(b.t, err)
		list = append(list, j)
	}
	return list
}

// States shows the states of all rows of the ledger.
func (b *Bench) States() string {
	var s []string
	for _, j := range b.Jobs() {
		s = append(s, string(j.State)+":"+string(j.Outcome))
	}
	return strings.Join(s, " ")
}

// Run starts the test binary as a command of its own.
func (b *Bench) Run(spec Command) (string, error) {
	b.t.Helper()
	spec.Dir, spec.Sched = b.D.Env.Cwd, b.S.Dir
	text, err := json.Marshal(spec)
	Must(b.t, err)
	exe, err := os.Executable()
	Must(b.t, err)
	cmd := exec.Command(exe)
	cmd.Env, cmd.Dir = append(append([]string{}, b.D.Env.Vars...), childVar+"="+string(text)), spec.Dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// WantErr looks for words in an error.
func WantErr(t *testing.T, err error, words ...string) {
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
