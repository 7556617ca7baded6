package jobstest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/sweep"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
)

// fakeSbatch makes sbatch write its arguments and its script down.
func (b *Bench) RecordSbatch() (said func() string) {
	b.t.Helper()
	bin := b.t.TempDir()
	script := "#!/bin/sh\ncase \"$*\" in *stemma-finish-*) { for a; do echo \"[$a]\"; done; env | grep ^SBATCH_; cat; } > \"$FAKE_SCHED/helper\"; test -z \"$FAKE_REFUSE\" || { echo 'sbatch: error: no account' >&2; exit 1; }; echo 900;; *) exec \"$FAKE_REAL\" \"$@\";; esac\n"
	Must(b.t, os.WriteFile(filepath.Join(bin, "sbatch"), []byte(script), 0o755))
	real := ""
	for i, kv := range b.D.Env.Vars {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok && strings.Contains(kv, "/bin:") {
			real = filepath.Join(strings.SplitN(path, ":", 2)[0], "sbatch")
			b.D.Env.Vars[i] = "PATH=" + bin + ":" + path
		}
	}
	b.D.Env.Vars = append(b.D.Env.Vars, "FAKE_REAL="+real, "SBATCH_GPUS=8", "SBATCH_ACCOUNT=mine")
	return func() string {
		data, _ := os.ReadFile(filepath.Join(b.S.Dir, "helper"))
		return string(data)
	}
}

var quotedPath = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// Traced runs a child under strace and counts the calls that name a path in
// the dataset, and the programs that were started.
func (b *Bench) Traced(spec Command) (calls int, programs []string, text string) {
	b.t.Helper()
	spec.Dir, spec.Sched = b.D.Env.Cwd, b.S.Dir
	arg, err := json.Marshal(spec)
	Must(b.t, err)
	exe, err := os.Executable()
	Must(b.t, err)
	out := filepath.Join(b.t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-e", "trace=file,execve", "-o", out, exe)
	cmd.Env, cmd.Dir = append(append([]string{}, b.D.Env.Vars...), childVar+"="+string(arg)), spec.Dir
	if msg, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%v\n%s", err, msg)
	}
	data, err := os.ReadFile(out)
	Must(b.t, err)
	var named []string
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, "execve(") {
			if strings.Contains(line, "= 0") {
				programs = append(programs, quotedPath.FindStringSubmatch(line)[1])
			}
			continue
		}
		args, _, _ := strings.Cut(line, ") = ") // what comes back is no path that was named
		if strings.Contains(args, "getcwd(") || strings.Contains(args, `"/proc/`) {
			continue
		}
		for _, m := range quotedPath.FindAllStringSubmatch(args, -1) {
			if strings.HasPrefix(m[1], b.Dir) || !strings.HasPrefix(m[1], "/") && m[1] != "" {
				named = append(named, line)
				break
			}
		}
	}
	return len(named), programs, strings.Join(named, "")
}

// Folder is where a job's folder is.
func (b *Bench) Folder(id string) string {
	b.t.Helper()
	for _, j := range b.Jobs() {
		if j.JobID == id {
			return j.AltDir
		}
	}
	b.t.Fatalf("no job %s", id)
	return ""
}

// Wrote plays a job that writes an output and ends.
func (b *Bench) Wrote(id, rel, text string) {
	b.t.Helper()
	p := filepath.Join(b.Folder(id), rel)
	Must(b.t, os.MkdirAll(filepath.Dir(p), 0o755))
	Must(b.t, os.WriteFile(p, []byte(text), 0o644))
}

// Over makes jobs complete.
func (b *Bench) Over(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		b.S.Set(t, id, "COMPLETED")
	}
}

// Read returns the text of a file.
func Read(t *testing.T, p string) string {
	t.Helper()
	text, err := os.ReadFile(p)
	Must(t, err)
	return string(text)
}

// Area is a folder for isolated jobs.
func Area(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "s t [a]")
	Must(t, os.Mkdir(dir, 0o755))
	return dir
}

// Pending lists what git status shows.
func (b *Bench) Pending() (list []string) {
	for _, j := range b.Jobs() {
		if j.State != ledger.StateClosed {
			list = append(list, j.JobID)
		}
	}
	return list
}

// recordOf is the record in the message of a commit.
func (b *Bench) Record(rev string) map[string]any {
	b.t.Helper()
	_, text, _ := strings.Cut(b.Git("log", "-1", "--format=%B", rev), "below ===\n")
	text, _, _ = strings.Cut(text, "\n^^^")
	var m map[string]any
	Must(b.t, json.Unmarshal([]byte(text), &m))
	return m
}

// Sweep runs a sweep and returns its records as "status row message".
func (b *Bench) Sweep(table string, opt sweep.Options) ([]string, error) {
	b.t.Helper()
	opt.Table = filepath.Join(b.t.TempDir(), "t.csv")
	Must(b.t, os.WriteFile(opt.Table, []byte(table), 0o644))
	if opt.Cmd == "" {
		opt.Cmd = "sbatch job.sh {n}"
	}
	var lines []string
	err := sweep.Run(b.t.Context(), b.D, b.S, opt, result.SinkFunc(func(r result.Record) error {
		lines = append(lines, fmt.Sprintf("%s %v %s", r.Status, r.Fields["sweep_row"], r.String("message")))
		return nil
	}))
	return lines, err
}

// SetTask sets the state of a task.
func (b *Bench) SetTask(id, task, state string) {
	b.t.Helper()
	Must(b.t, os.WriteFile(b.S.File(id, "state_"+task), []byte(state), 0o644))
}

// Watch runs finish --watch with a clock of its own: each pause calls the next
// of steps, and the watch is interrupted when they are used up.
func (b *Bench) Watch(opt finish.Options, steps ...func()) (lines []string, pauses []int, last finish.WatchProgress, err error) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	err = finish.Watch(ctx, b.D, b.S, finish.WatchOptions{
		Options:  opt,
		Progress: func(p finish.WatchProgress) { last = p },
		Sleep: func(ctx context.Context, pause time.Duration) error {
			pauses = append(pauses, int(pause.Seconds()))
			if len(pauses) > len(steps) {
				cancel()
				return ctx.Err()
			}
			if step := steps[len(pauses)-1]; step != nil {
				step()
			}
			return nil
		},
	}, result.SinkFunc(func(r result.Record) error {
		if r.Action == finish.Action {
			lines = append(lines, string(r.Status)+" "+r.String("message"))
		}
		return nil
	}))
	return lines, pauses, last, err
}

// OpenMany writes open jobs into the ledger, each with four outputs: two go to
// git and two to the annex.
func (b *Bench) OpenMany(n int, withFiles bool) {
	b.t.Helper()
	branch, blob := b.Git("symbolic-ref", "HEAD"), b.Git("rev-parse", "HEAD:in.txt")
	l, err := ledger.Open(b.t.Context(), commit.StateDir(b.D.Repo))
	Must(b.t, err)
	defer l.Close()
	Must(b.t, l.Update(b.t.Context(), func(tx *ledger.Tx) error {
		for i := range n {
			dir := fmt.Sprintf("runs/%d/%d", i/100, i)
			files := []string{dir + "/a.txt", dir + "/b.txt", dir + "/c.bin", dir + "/d.bin"}
			j := &ledger.Job{
				JobID: fmt.Sprint(1000 + i), Scheduler: "slurm", WorkTree: b.D.Path(), Branch: branch, DSID: b.D.ID, Pwd: ".",
				Cmd: "sbatch job.sh", Expanded: "sbatch job.sh", Outputs: files, Claims: files, State: ledger.StateOpen, Chain: []string{},
				Inputs: []string{"in.txt"}, InputIDs: map[string]string{"in.txt": blob}, SubmittedAt: time.Unix(int64(i), 0), SubmitFile: filepath.Join(jobdb.SubmitDir(b.D), fmt.Sprint(i)),
			}
			if err := tx.Claim(j, false); err != nil {
				return err
			}
			if !withFiles {
				continue
			}
			Must(b.t, os.MkdirAll(filepath.Join(b.Dir, dir), 0o755))
			for k, f := range files {
				text := fmt.Sprintf("result %d %d\n", i, k)
				if k > 1 {
					text = "\x00\x01" + text
				}
				Must(b.t, os.WriteFile(filepath.Join(b.Dir, f), []byte(text), 0o644))
			}
		}
		return nil
	}))
}

// WatchHeap samples the heap; the result tells the largest size seen.
func WatchHeap(t testing.TB) (peak func() uint64) {
	debug.FreeOSMemory()
	stop, done := make(chan bool), make(chan uint64)
	go func() {
		var most uint64
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				done <- most
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); return <-done }
}

// ManyJobs is how many jobs the tests of scale work with: 300, or the number
// in STEMMA_JOBS.
func ManyJobs() int {
	if n, err := strconv.Atoi(os.Getenv("STEMMA_JOBS")); err == nil {
		return n
	}
	return 300
}
