package slurm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// task is one job of the twenty, and what its commit should hold.
type task struct {
	sub     string // where it is scheduled
	options []string
	line    []string // the submission
	text    string   // the message given to schedule
	outputs []string // declared, as recorded
	files   []string // committed beside the log files
	logs    []string // with %j for the id
	tasks   int      // of an array
	id      string
}

func plainLogs(dir string) []string {
	return []string{filepath.Join(dir, "slurm-%j.out"), filepath.Join(dir, "slurm-job-%j.env.json")}
}

// TestTwentyJobs is the main job: twenty jobs of all shapes, two of which fail
// and one of which is an array of four.
func TestTwentyJobs(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	jobs := twenty(l)
	if len(jobs) != 20 {
		t.Fatalf("there are %d jobs", len(jobs))
	}
	base := l.Git("rev-parse", "HEAD")
	var ids []string
	for _, j := range jobs {
		args := j.options
		if j.text != "" {
			args = append(args, "-m", j.text)
		}
		j.id = l.submit(j.sub, append(args, j.line...)...)
		ids = append(ids, j.id)
	}
	if now := l.Git("rev-parse", "HEAD"); now != base {
		t.Errorf("schedule made a commit")
	}
	l.await(ids...)
	l.in("", "finish").want(t, 1,
		"slurm-finish(impossible): [Slurm job(s) for job "+jobs[18].id+" are not complete.Statuses: "+jobs[18].id+": FAILED]",
		"slurm-finish(impossible): [Slurm job(s) for job "+jobs[19].id+" are not complete.Statuses: "+jobs[19].id+": FAILED]",
		"slurm-finish(ok): [Slurm job "+jobs[0].id+": Completed]")
	commits := strings.Fields(l.Git("rev-list", "--reverse", "--first-parent", base+"..HEAD"))
	if len(commits) != 18 {
		t.Fatalf("%d commits, want 18", len(commits))
	}
	for i, rev := range commits {
		checkCommit(t, l, jobs[i], rev, base)
	}
	failed(t, l, jobs[18], jobs[19], base)
	l.Check()
	python(t, l, base)
}

func twenty(l *lab) []*task {
	l.script("logs.sh", "#!/bin/sh\n#SBATCH --output=logs/o_%j.txt\n#SBATCH --error=logs/e_%j.txt\necho said\necho complained >&2\necho x > byscript.txt\n")
	l.script("bin.sh", "#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' '\\377' > \"$1\"; echo $1 >> \"$1\"\n")
	l.script("dir.sh", "#!/bin/sh\nmkdir -p \"$1/below\"; for i in 1 2 3; do echo $i > \"$1/below/f $i.txt\"; printf '\\001\\000' > \"$1/$i.bin\"; done\n")
	for _, dir := range []string{"logs", "job1", "sub dir/inner"} {
		if err := os.MkdirAll(filepath.Join(l.Dir, dir), 0o755); err != nil {
			l.T.Fatal(err)
		}
	}
	l.Write("old.bin", oldContent)
	l.Write("job1/keep", "x\n")
	l.Save("-m", "more")
	var list []*task
	for i := range 6 {
		out := fmt.Sprintf("out/%d.txt", i)
		list = append(list, &task{options: []string{"-i", "in.txt", "-o", out}, line: []string{"sbatch", "job.sh", out}, text: fmt.Sprintf("job number %d", i),
			outputs: []string{"./" + out}, files: []string{out}, logs: plainLogs("")})
	}
	list = append(list,
		&task{options: []string{"-o", "big.bin"}, line: []string{"sbatch bin.sh big.bin"}, outputs: []string{"./big.bin"}, files: []string{"big.bin"}, logs: plainLogs("")},
		&task{options: []string{"-o", "old.bin"}, line: []string{"sbatch", "bin.sh", "old.bin"}, outputs: []string{"./old.bin"}, files: []string{"old.bin"}, logs: plainLogs("")},
		&task{sub: "sub dir", options: []string{"-o", "res.txt"}, line: []string{"sbatch", "../job.sh", "res.txt"}, text: "from a folder with a blank",
			outputs: []string{"sub dir/res.txt"}, files: []string{"sub dir/res.txt"}, logs: plainLogs("sub dir")},
		&task{sub: "deep/er", options: []string{"-o", "../up.txt", "-i", "../../in.txt"}, line: []string{"sbatch", "../../job.sh", "../up.txt"},
			outputs: []string{"deep/up.txt"}, files: []string{"deep/up.txt"}, logs: plainLogs("deep/er")},
		&task{options: []string{"-o", "byscript.txt"}, line: []string{"sbatch", "logs.sh"}, text: "sep", outputs: []string{"./byscript.txt"}, files: []string{"byscript.txt"},
			logs: []string{"logs/o_%j.txt", "logs/e_%j.txt", "logs/slurm-job-%j.env.json"}},
		&task{options: []string{"-o", "job1/x.txt"}, line: []string{"sbatch", "--chdir=job1", "job.sh", "x.txt"}, outputs: []string{"./job1/x.txt"},
			files: []string{"job1/x.txt"}, logs: plainLogs("job1")},
		&task{sub: "sub dir", options: []string{"-o", "inner/y.txt"}, line: []string{"sbatch", "--chdir", "inner", "--output=log %x-%j.txt", "-J", "a name", "../job.sh", "y.txt"},
			outputs: []string{"sub dir/inner/y.txt"}, files: []string{"sub dir/inner/y.txt"},
			logs: []string{"sub dir/inner/log a name-%j.txt", "sub dir/inner/slurm-job-%j.env.json"}},
		&task{options: []string{"-o", "with blank's.txt"}, line: []string{"sbatch", "-J", "two words", "job.sh", "with blank's.txt"}, text: "Änderung: \"quoted\"",
			outputs: []string{"./with blank's.txt"}, files: []string{"with blank's.txt"}, logs: plainLogs("")},
		&task{options: []string{"-o", "wrapped.txt"}, line: []string{"sbatch --wrap 'echo wrapped > wrapped.txt'"}, outputs: []string{"./wrapped.txt"},
			files: []string{"wrapped.txt"}, logs: plainLogs("")},
		&task{options: []string{"-o", "folder"}, line: []string{"sbatch", "dir.sh", "folder"}, outputs: []string{"./folder"},
			files: []string{"folder/1.bin", "folder/2.bin", "folder/3.bin", "folder/below/f 1.txt", "folder/below/f 2.txt", "folder/below/f 3.txt"}, logs: plainLogs("")},
		&task{options: []string{"-i", "in.txt", "-o", "arr"}, line: []string{"sbatch", "--array=0-3", "arr.sh"}, text: "arr", outputs: []string{"./arr"},
			files: []string{"arr/0.txt", "arr/1.txt", "arr/2.txt", "arr/3.txt"}, tasks: 4,
			logs: []string{"slurm-%j_0.out", "slurm-%j_1.out", "slurm-%j_2.out", "slurm-%j_3.out", "slurm-job-%j.env.json"}},
		&task{options: []string{"-i", "in.txt", "-o", "copy.txt"}, line: []string{"sbatch --wrap 'cat {inputs} > {outputs}'"}, outputs: []string{"./copy.txt"},
			files: []string{"copy.txt"}, logs: plainLogs("")},
		&task{options: []string{"-o", "bad1.txt"}, line: []string{"sbatch", "fail.sh", "bad1.txt"}, text: "bad1", outputs: []string{"./bad1.txt"}, files: []string{"bad1.txt"}, logs: plainLogs("")},
		&task{sub: "deep", options: []string{"-o", "bad2.txt"}, line: []string{"sbatch", "../fail.sh", "bad2.txt", "7"}, text: "bad2",
			outputs: []string{"deep/bad2.txt"}, files: []string{"deep/bad2.txt"}, logs: plainLogs("deep")},
	)
	return list
}

const oldContent = "\x00\x01old content\xff"

// named puts the job's id into the names of its log files.
func (j *task) named() (list []string) {
	for _, p := range j.logs {
		list = append(list, strings.ReplaceAll(p, "%j", j.id))
	}
	return list
}

func checkCommit(t *testing.T, l *lab, j *task, rev, base string) {
	t.Helper()
	r := l.recordOf(rev)
	title := "Slurm job " + j.id + ": Completed"
	if j.text != "" {
		title += "\n\n" + j.text
	}
	if r.Title != title {
		t.Errorf("message %q, want %q", r.Title, title)
	}
	pwd := "."
	if j.sub != "" {
		pwd = j.sub
	}
	if n, _ := strconv.Atoi(j.id); r.ID != n || r.Pwd != pwd || r.AltDir == nil || *r.AltDir != "" || len(r.Chain) != 0 || r.Exit != nil || r.DSID == "" {
		t.Errorf("job %s: record\n%s", j.id, r.JSON)
	}
	if r.Stemma.Base != base || r.Stemma.Scheduler.State != "COMPLETED" || len(r.Stemma.Scheduler.Tasks) != j.tasks {
		t.Errorf("job %s: record\n%s", j.id, r.JSON)
	}
	if s := r.Stemma.Scheduler; j.tasks == 0 && (s.Start == "" || s.End == "" || s.Nodes != "n1" || s.ExitCode == nil || *s.ExitCode != 0) {
		t.Errorf("job %s: record\n%s", j.id, r.JSON)
	}
	sameSet(t, "job "+j.id+": recorded log files", r.Logs, j.named())
	sameSet(t, "job "+j.id+": recorded outputs", r.Outputs, append(j.named(), j.outputs...))
	sameSet(t, "job "+j.id+": committed files", l.changed(rev), append(j.named(), j.files...))
}

// failed looks at the two jobs that failed: one is closed, one committed.
func failed(t *testing.T, l *lab, one, two *task, base string) {
	t.Helper()
	tip := l.Git("rev-parse", "HEAD")
	l.in("", "finish", "--list-open-jobs").want(t, 0,
		fmt.Sprintf("The following jobs are open: \n\nslurm-job-id   slurm-job-status\n%-10s FAILED\n%-10s FAILED\n", one.id, two.id))
	l.in("", "finish", "--close-failed-jobs", one.id).want(t, 0,
		"slurm-finish(ok): [Closing failed / cancelled jobs. Statuses: "+one.id+": FAILED]")
	if l.Git("rev-parse", "HEAD") != tip {
		t.Error("closing a failed job made a commit")
	}
	for _, p := range append(one.named(), one.files...) {
		if !l.exists(p) {
			t.Errorf("%s of the closed job is gone", p)
		}
		if err := os.Remove(filepath.Join(l.Dir, p)); err != nil {
			t.Error(err)
		}
	}
	l.in("", "finish", "--commit-failed-jobs").want(t, 0, "slurm-finish(ok)")
	r := l.recordOf("HEAD")
	want := "Slurm job " + two.id + ": Failed\n\nSlurm job(s) for job " + two.id + " are not complete.Statuses: " + two.id + ": FAILED\n\nbad2"
	if r.Title != want {
		t.Errorf("message %q, want %q", r.Title, want)
	}
	if r.Stemma.Scheduler.State != "FAILED" || r.Stemma.Scheduler.ExitCode == nil || *r.Stemma.Scheduler.ExitCode != 7 {
		t.Errorf("record\n%s", r.JSON)
	}
	sameSet(t, "files of the failed job", l.changed("HEAD"), append(two.named(), two.files...))
	if out := l.in("", "finish", "--list-open-jobs").want(t, 0); out.stdout != "" {
		t.Errorf("jobs are open:\n%s", out.stdout)
	}
	l.in("", "finish").want(t, 0)
}

// python has Python print the records again, as DataLad does.
func python(t *testing.T, l *lab, base string) {
	t.Helper()
	const text = `
import json, re, subprocess, sys
log = subprocess.run(["git", "log", "-z", "--format=%B", sys.argv[1] + ".."], check=True, stdout=subprocess.PIPE).stdout.decode()
n = 0
for msg in log.split("\0"):
    m = re.match(r"\[DATALAD SLURM RUN\] (.*)=== Do not change lines below ===\n(.*)\n\^\^\^ Do not change lines above \^\^\^", msg, re.DOTALL)
    if m:
        assert json.dumps(json.loads(m.group(2)), indent=1, sort_keys=True, ensure_ascii=False) == m.group(2), msg
        n += 1
for f in subprocess.run(["git", "ls-files", "-z", "*.env.json"], check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")[:-1]:
    s = open(f).read()
    assert json.dumps(json.loads(s), indent=2) == s, s
print(n)
`
	cmd := exec.Command("/usr/bin/python3", "-c", text, base)
	cmd.Env, cmd.Dir = l.Env, l.Dir
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "19" {
		t.Errorf("records differ from Python's: %v\n%s", err, out)
	}
}
