package slurm

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

const (
	// jobScript writes each file that it is given, in the folder it runs in.
	jobScript = "#!/bin/sh\nset -e\nfor f; do mkdir -p \"$(dirname \"$f\")\"; echo \"made for $f\" > \"$f\"; done\n"
	// failScript leaves a part of its output and fails.
	failScript = "#!/bin/sh\necho part > \"$1\"\nexit ${2:-3}\n"
	// arrayScript writes a file for each of its tasks.
	arrayScript = "#!/bin/sh\nmkdir -p arr\necho $SLURM_ARRAY_TASK_ID > arr/$SLURM_ARRAY_TASK_ID.txt\n"
	secret      = "hunter2-is-secret"
)

// lab is a dataset with job scripts on a cluster.
type lab struct {
	*rig.Repo
	c *cluster
}

func newLab(t *testing.T, c *cluster) *lab {
	t.Helper()
	rig.Need(t, "git-annex")
	w := rig.NewWorld(t, program)
	w.Env = append(w.Env, "STEMMA_SCHEDULER=slurm", "SLURM_CONF="+c.conf, "USER=root", "LOGNAME=root",
		"LOADEDMODULES=gcc/13.2:hdf5/1.14", "OMP_NUM_THREADS=2", "LANG=C.UTF-8", "AWS_SECRET_ACCESS_KEY="+secret, "GITHUB_TOKEN="+secret)
	l := &lab{Repo: w.Dataset(t, "data set"), c: c}
	l.script("job.sh", jobScript)
	l.script("fail.sh", failScript)
	l.script("arr.sh", arrayScript)
	l.Write("in.txt", "input\n")
	l.Save("-m", "scripts")
	return l
}

func (l *lab) script(name, text string) {
	l.T.Helper()
	l.Write(name, text)
	if err := os.Chmod(filepath.Join(l.Dir, name), 0o755); err != nil {
		l.T.Fatal(err)
	}
}

// fakeSbatch puts a program of our own first on PATH; it finds the real
// sbatch in $SBATCH.
func (l *lab) fakeSbatch(text string) {
	l.T.Helper()
	real, err := exec.LookPath("sbatch")
	if err != nil {
		l.T.Fatal(err)
	}
	bin := filepath.Join(l.Root, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		l.T.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "sbatch"), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		l.T.Fatal(err)
	}
	for i, kv := range l.Env {
		if path, ok := strings.CutPrefix(kv, "PATH="); ok && !strings.HasPrefix(path, bin+":") {
			l.Env[i] = "PATH=" + bin + ":" + path
		}
	}
	l.Env = append(l.Env, "SBATCH="+real, "MARK="+filepath.Join(l.Root, "mark"))
}

// realSbatch undoes fakeSbatch.
func (l *lab) realSbatch() {
	l.T.Helper()
	if err := os.Remove(filepath.Join(l.Root, "bin", "sbatch")); err != nil {
		l.T.Fatal(err)
	}
}

// outcome is what a command of the program left.
type outcome struct {
	args           []string
	stdout, stderr string
	code           int
}

// in runs the program in a folder of the dataset.
func (l *lab) in(sub string, args ...string) outcome {
	l.T.Helper()
	return l.finished(l.command(sub, args...))
}

func (l *lab) command(sub string, args ...string) *exec.Cmd {
	l.T.Helper()
	cmd := l.Stemma(args...)
	cmd.Dir = filepath.Join(l.Dir, sub)
	if err := os.MkdirAll(cmd.Dir, 0o755); err != nil {
		l.T.Fatal(err)
	}
	return cmd
}

func (l *lab) finished(cmd *exec.Cmd) outcome {
	l.T.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		l.T.Fatalf("%v: %v", cmd.Args, err)
	}
	return outcome{cmd.Args[1:], stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// want fails the test unless the command ended with code and printed all
// words, on whatever stream.
func (o outcome) want(t testing.TB, code int, words ...string) outcome {
	t.Helper()
	all := o.stdout + o.stderr
	if o.code != code {
		t.Fatalf("stemma %s: exit %d, want %d\n%s", strings.Join(o.args, " "), o.code, code, all)
	}
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Fatalf("stemma %s: %q is missing in\n%s", strings.Join(o.args, " "), w, all)
		}
	}
	return o
}

// without fails the test if one of the words was printed.
func (o outcome) without(t testing.TB, words ...string) outcome {
	t.Helper()
	for _, w := range words {
		if strings.Contains(o.stdout+o.stderr, w) {
			t.Fatalf("stemma %s: says %q\n%s%s", strings.Join(o.args, " "), w, o.stdout, o.stderr)
		}
	}
	return o
}

// submit schedules in a folder and returns the job's id. Jobs that a test
// leaves behind are cancelled.
func (l *lab) submit(sub string, args ...string) string {
	l.T.Helper()
	o := l.in(sub, append([]string{"-f", "json", "schedule"}, args...)...).want(l.T, 0)
	return l.submitted(o)[0]
}

// submitted reads the ids of jobs out of what schedule or reschedule printed.
func (l *lab) submitted(o outcome) (ids []string) {
	l.T.Helper()
	for line := range strings.Lines(o.stdout) {
		var rec struct {
			Action, Status string
			Info           struct {
				ID string `json:"slurm_job_id"`
			} `json:"slurm_run_info"`
		}
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			l.T.Fatalf("%v in %s", err, line)
		}
		if rec.Action == "slurm-schedule" && rec.Status == "ok" {
			ids = append(ids, rec.Info.ID)
		}
	}
	if len(ids) == 0 || slices.Contains(ids, "") {
		l.T.Fatalf("no job id in\n%s%s", o.stdout, o.stderr)
	}
	l.T.Cleanup(func() { l.cancel(ids...) })
	return ids
}

func (l *lab) cancel(ids ...string) {
	cmd := exec.Command("scancel", append([]string{"-Q"}, ids...)...)
	cmd.Env = l.c.env()
	_ = cmd.Run() // it may be over
}

func (l *lab) await(ids ...string) { l.T.Helper(); l.c.await(l.T, ids...) }

// row is a line of `stemma jobs --json`.
type row struct {
	ID    string `json:"job_id"`
	Row   int    `json:"row"`
	Name  string
	State string
	Open  bool
	Note  string
}

func (l *lab) jobs() (rows []row) {
	l.T.Helper()
	for line := range strings.Lines(l.in("", "jobs", "--all", "--json").want(l.T, 0).stdout) {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			l.T.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

func (l *lab) job(id string) row {
	l.T.Helper()
	for _, r := range l.jobs() {
		if r.ID == id {
			return r
		}
	}
	l.T.Fatalf("stemma jobs does not know job %s", id)
	return row{}
}

// record is what a commit says of a job.
type record struct {
	Commit  string
	Title   string // of the message, with the record cut off
	JSON    string
	AltDir  *string  `json:"alt_dir"`
	Chain   []string `json:"chain"`
	Cmd     string   `json:"cmd"`
	DSID    string   `json:"dsid"`
	Extra   []string `json:"extra_inputs"`
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
	Pwd     string   `json:"pwd"`
	ID      int      `json:"slurm_job_id"`
	Logs    []string `json:"slurm_outputs"`
	Exit    *int     `json:"exit"`
	Stemma  struct {
		Base        string            `json:"base"`
		Inputs      map[string]string `json:"inputs"`
		Changed     map[string]string `json:"inputs_changed"`
		Modules     []string          `json:"modules"`
		Environment map[string]string `json:"environment"`
		Script      struct{ Path, ID, State string }
		Scheduler   struct {
			Name, State, Start, End, Nodes string
			ExitCode                       *int              `json:"exit_code"`
			Tasks                          []json.RawMessage `json:"tasks"`
		}
	} `json:"stemma"`
}

const (
	tag   = "[DATALAD SLURM RUN] "
	begin = "\n\n=== Do not change lines below ===\n"
	end   = "\n^^^ Do not change lines above ^^^\n"
)

// recordOf reads the record in the message of a commit.
func (l *lab) recordOf(rev string) record {
	l.T.Helper()
	text := l.Git("log", "-1", "--format=%H%n%B", rev)
	hash, text, _ := strings.Cut(text+"\n", "\n")
	text = strings.TrimRight(text, "\n") + "\n"
	title, rest, ok := strings.Cut(text, begin)
	body, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 || after != "" || !strings.HasPrefix(title, tag) {
		l.T.Fatalf("%s is no commit of a job:\n%s", rev, text)
	}
	r := record{Commit: hash, Title: strings.TrimPrefix(title, tag), JSON: body}
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		l.T.Fatalf("%s: %v\n%s", rev, err, body)
	}
	return r
}

// changed lists the files that a commit changes.
func (l *lab) changed(rev string) []string {
	l.T.Helper()
	out := l.Git("-c", "core.quotePath=false", "diff-tree", "-r", "--no-commit-id", "--name-only", "-m", "--first-parent", "-z", rev)
	files := strings.Split(strings.TrimRight(out, "\x00"), "\x00")
	slices.Sort(files)
	return files
}

// logFiles are the files that Slurm and schedule write for a plain job.
func logFiles(dir, id string) []string {
	return []string{filepath.Join(dir, "slurm-"+id+".out"), filepath.Join(dir, "slurm-job-"+id+".env.json")}
}

func sameSet(t testing.TB, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// read returns the content of a file, through the annex.
func (l *lab) read(rel string) string {
	l.T.Helper()
	data, err := os.ReadFile(filepath.Join(l.Dir, rel))
	if err != nil {
		l.T.Fatal(err)
	}
	return string(data)
}

func (l *lab) exists(rel string) bool {
	_, err := os.Lstat(filepath.Join(l.Dir, rel))
	return err == nil
}
