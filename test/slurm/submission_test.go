package slurm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestSubmissionLines: what a line prints around the id does not matter.
func TestSubmissionLines(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.script("tools/send", "#!/bin/sh\necho 'Dear user 2026,'\necho 'warning: 7 nodes are down' >&2\nsbatch \"$@\"\necho 'yours, the wrapper'\n")
	l.Save("-m", "wrapper")
	lines := [][]string{
		{"sbatch --parsable job.sh p0"},
		{"sbatch", "--parsable", "-J", "two words", "job.sh", "p1"},
		{"tools/send job.sh p2"},
		{"sbatch job.sh p3; exit 3"},
		{"cd . && sbatch --wrap 'echo x > p4' && echo thanks"},
		{"id=$(sbatch --parsable job.sh p5); echo \"$id\""},
		{"sbatch < job.sh; touch p6"},
		{"sbatch", "-M", "lab", "job.sh", "p7"},
		{"sbatch", "--parsable", "--clusters=lab", "job.sh", "p8"},
	}
	var ids []string
	for i, line := range lines {
		o := l.in("", append([]string{"-f", "json", "schedule", "-o", fmt.Sprintf("p%d", i)}, line...)...).want(t, 0, `"exit_code": 0`)
		ids = append(ids, l.submitted(o)...)
		if i == 2 {
			o.want(t, 0, "warning: 7 nodes are down")
		}
	}
	l.await(ids...)
	l.in("", "finish").want(t, 0)
	l.Check()
}

// nothing fails the test unless the dataset is as it was and knows no job.
func (l *lab) nothing(before string) {
	l.T.Helper()
	if now := l.snapshot(); now != before {
		l.T.Errorf("something was left:\n%s\nbefore:\n%s", now, before)
	}
	for _, r := range l.jobs() {
		if r.Open {
			l.T.Errorf("job %v is open", r)
		}
	}
}

func (l *lab) snapshot() string {
	return l.Git("status", "--porcelain") + l.Git("rev-parse", "HEAD") + l.Run("find", ".", "-name", ".git", "-prune", "-o", "-printf", "%p %y %m %l\n")
}

func TestSubmissionFails(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.Write("old.bin", oldContent)
	l.Save("-m", "annexed")
	before := l.snapshot()
	none := "No job was submitted to slurm"
	l.in("", "schedule", "-o", "old.bin", "sbatch", "nosuch.sh").want(t, 1, none, "nosuch.sh")
	l.nothing(before)
	l.in("", "schedule", "-o", "old.bin", "sbatch", "-p", "nosuch", "job.sh").want(t, 1, none, "nvalid partition")
	l.nothing(before)
	l.in("", "schedule", "-o", "o", "echo hello").want(t, 1, none)
	l.in("", "schedule", "-o", "o", "true").want(t, 1, none)
	l.in("", "schedule", "-o", "o", "nosuchprogram").want(t, 1, none)
	l.nothing(before)
	l.in("", "schedule", "sbatch", "job.sh").want(t, 1, "At least one output must be specified")
	l.in("", "schedule", "-o", "o", "-i", "missing.txt", "sbatch", "job.sh").want(t, 1, "missing.txt")
	l.in("", "schedule", "-o", "../o", "sbatch", "job.sh").want(t, 1)
	l.in("", "schedule", "-o", "o", "sbatch job.sh {nokey}").want(t, 1, "nokey")
	l.nothing(before)
	l.fakeSbatch("echo 'sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)' >&2; exit 1\n")
	l.in("", "schedule", "-o", "old.bin", "sbatch", "job.sh").want(t, 1, none, "Unable to contact slurm controller")
	l.nothing(before)
}

// TestSeveralSubmissions: which job the outputs belong to is not guessed.
func TestSeveralSubmissions(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	name := "several" + filepath.Base(filepath.Dir(l.Root))
	o := l.in("", "schedule", "-o", "two.txt", "sbatch -J "+name+" job.sh two.txt; sbatch -J "+name+" job.sh other.txt").want(t, 1, "uncertain")
	ids := l.c.named(t, name)
	if len(ids) != 2 {
		t.Fatalf("jobs %q were submitted, want two", ids)
	}
	o.want(t, 1, ids...)
	l.in("", "schedule", "-o", "two.txt", "sbatch job.sh two.txt").want(t, 1, "already claimed")
	mine := ids[0]
	if l.jobName(ids[1]) < l.jobName(mine) {
		mine = ids[1]
	}
	l.in("", "jobs", "adopt", mine).want(t, 0)
	l.await(ids...)
	l.in("", "finish").want(t, 0, "Slurm job "+mine+": Completed")
	if r := l.recordOf("HEAD"); fmt.Sprint(r.ID) != mine {
		t.Errorf("job %d was committed, want %s", r.ID, mine)
	}
}

// jobName sorts jobs by their age.
func (l *lab) jobName(id string) string { return fmt.Sprintf("%20s", id) }

const socketTimedOut = `"$SBATCH" "$@" >/dev/null
echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
exit 1
`

// TestUncertainSubmission: sbatch fails and has submitted all the same.
func TestUncertainSubmission(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.fakeSbatch(socketTimedOut)
	name := "uncertain" + filepath.Base(filepath.Dir(l.Root))
	line := []string{"schedule", "-o", "u.txt", "sbatch", "-J", name, "job.sh", "u.txt"}
	o := l.in("", line...).want(t, 1, "uncertain", "Socket timed out", "adopt", "release", name, l.Dir)
	ids := l.c.named(t, name)
	if len(ids) != 1 {
		t.Fatalf("jobs %q", ids)
	}
	o.want(t, 1, ids[0])
	if rows := l.jobs(); len(rows) != 1 || rows[0].State != "UNCERTAIN" || !rows[0].Open {
		t.Errorf("jobs %+v", rows)
	}
	// Neither the same command nor another one submits again.
	l.in("", line...).want(t, 1, "uncertain", ids[0])
	l.in("", "schedule", "-o", "u.txt", "sbatch", "job.sh", "other").want(t, 1, "already claimed")
	l.in("", "finish").want(t, 1, "uncertain", ids[0])
	if again := l.c.named(t, name); len(again) != 1 {
		t.Fatalf("submitted again: %q", again)
	}
	l.in("", "jobs", "adopt", "999999").want(t, 1)
	l.in("", "jobs", "adopt", ids[0]).want(t, 0)
	l.await(ids...)
	l.in("", "finish").want(t, 0, "Slurm job "+ids[0]+": Completed")
	l.Check()

	// The other way out.
	l.in("", "schedule", "-o", "v.txt", "sbatch", "job.sh", "v.txt").want(t, 1, "uncertain")
	l.in("", "jobs", "release").want(t, 0, "slurm-release(ok)")
	l.realSbatch()
	id := l.write("v.txt")
	l.await(id)
	l.in("", "finish").want(t, 0)
}

// TestDeathBetweenSubmissionAndRecord: the same command again takes the job up.
func TestDeathBetweenSubmissionAndRecord(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"told":   `"$SBATCH" "$@"; touch "$MARK"; sleep 4`,
		"before": `touch "$MARK"; sleep 2; "$SBATCH" "$@"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, shared)
			l.fakeSbatch(script + "\n")
			job := "death" + name + filepath.Base(filepath.Dir(l.Root))
			line := []string{"schedule", "-o", "d.txt", "-i", "in.txt", "-m", "text", "sbatch", "-J", job, "job.sh", "d.txt"}
			l.killed(line, syscall.SIGKILL, false)
			if name == "before" {
				// The line still runs: nobody may submit beside it.
				l.in("", line...).want(t, 1)
				until(t, "the line to submit", func() bool { return len(l.c.named(t, job)) == 1 })
			}
			l.takenUp(line, job)
		})
	}
}

// killed starts a command, waits for the fake sbatch and kills the program,
// and with all also what it started.
func (l *lab) killed(line []string, sig syscall.Signal, all bool) {
	l.T.Helper()
	cmd := l.command("", line...)
	mark := filepath.Join(l.Root, "mark")
	if err := cmd.Start(); err != nil {
		l.T.Fatal(err)
	}
	until(l.T, "the fake sbatch", func() bool { _, err := os.Stat(mark); return err == nil })
	if all {
		for _, pid := range children(l.T, cmd.Process.Pid) {
			_ = syscall.Kill(-pid, sig)
		}
	}
	_ = cmd.Process.Signal(sig)
	_ = cmd.Wait()
}

// children lists the processes that one has started.
func children(t testing.TB, pid int) (list []int) {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range tasks {
		data, _ := os.ReadFile(file)
		for f := range strings.FieldsSeq(string(data)) {
			var n int
			if _, err := fmt.Sscan(f, &n); err == nil && n > 1 {
				list = append(list, n)
			}
		}
	}
	return list
}

// takenUp repeats a command whose job is there already.
func (l *lab) takenUp(line []string, job string) {
	l.T.Helper()
	var o outcome
	until(l.T, "the job to be taken up", func() bool {
		o = l.in("", line...)
		return o.code == 0
	})
	ids := l.c.named(l.T, job)
	if len(ids) != 1 {
		l.T.Fatalf("jobs %q were submitted, want one", ids)
	}
	o.want(l.T, 0, ids[0], "adopted")
	l.in("", line...).want(l.T, 1, "already claimed")
	l.await(ids...)
	l.in("", "finish").want(l.T, 0, "Slurm job "+ids[0]+": Completed")
	if r := l.recordOf("HEAD"); fmt.Sprint(r.ID) != ids[0] {
		l.T.Errorf("job %d was committed", r.ID)
	}
	l.Check()
}

// TestDeathOfAll: nothing tells the id, but the job is there.
func TestDeathOfAll(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.fakeSbatch(`id=$("$SBATCH" "$@"); touch "$MARK"; sleep 20; echo "$id"` + "\n")
	job := "all" + filepath.Base(filepath.Dir(l.Root))
	line := []string{"schedule", "-o", "d.txt", "sbatch", "-J", job, "job.sh", "d.txt"}
	l.killed(line, syscall.SIGKILL, true)
	ids := l.c.named(t, job)
	if len(ids) != 1 {
		t.Fatalf("jobs %q", ids)
	}
	for range 2 {
		l.in("", line...).want(t, 1, "uncertain", ids[0])
	}
	if again := l.c.named(t, job); len(again) != 1 {
		t.Fatalf("submitted again: %q", again)
	}
	l.in("", "jobs", "adopt", ids[0]).want(t, 0)
	l.await(ids...)
	l.in("", "finish").want(t, 0, "Slurm job "+ids[0]+": Completed")
	l.Check()
}

// TestFourAtOnce: of four jobs with one output, one wins.
func TestFourAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	job := "four" + filepath.Base(filepath.Dir(l.Root))
	start := make(chan struct{})
	outcomes := make([]outcome, 4)
	var wg sync.WaitGroup
	for i := range outcomes {
		out := []string{"o/x.txt", "./o//x.txt", "o", filepath.Join(l.Dir, "o", "x.txt")}[i]
		cmd := l.command("", "schedule", "-m", fmt.Sprint(i), "-o", out, "sbatch", "-J", job, "job.sh", "o/x.txt")
		wg.Go(func() { <-start; outcomes[i] = l.finished(cmd) })
	}
	time.Sleep(50 * time.Millisecond)
	close(start)
	wg.Wait()
	won := 0
	for _, o := range outcomes {
		if o.code == 0 {
			won++
			continue
		}
		o.want(t, 1, "claimed by job")
	}
	ids := l.c.named(t, job)
	if won != 1 || len(ids) != 1 {
		t.Fatalf("%d commands won, jobs %q", won, ids)
	}
	l.await(ids...)
	l.in("", "finish").want(t, 0)
	if out, err := exec.Command("git", "-C", l.Dir, "log", "-1", "--format=%s").Output(); err != nil || !strings.Contains(string(out), ids[0]) {
		t.Errorf("last commit %s %v", out, err)
	}
	l.Check()
}
