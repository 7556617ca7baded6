package slurm

import (
	"fmt"
	"strings"
	"testing"
)

// write schedules a job that writes one file.
func (l *lab) write(out string, options ...string) string {
	l.T.Helper()
	return l.submit("", append(append([]string{"-o", out}, options...), "sbatch", "job.sh", out)...)
}

// TestFinishOneJob names jobs in both ways.
func TestFinishOneJob(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	a, b, c := l.write("a.txt"), l.write("b.txt", "-m", "second"), l.write("c.txt")
	l.await(a, b, c)
	list := l.in("", "finish", "--list-open-jobs").want(t, 0).stdout
	want := "The following jobs are open: \n\nslurm-job-id   slurm-job-status\n"
	for _, id := range []string{a, b, c} {
		want += fmt.Sprintf("%-10s COMPLETED\n", id)
	}
	if list != want {
		t.Errorf("list of open jobs:\n%s, want\n%s", list, want)
	}
	if again := l.in("", "-f", "json", "finish", "--list-open-jobs").want(t, 0).stdout; again != want {
		t.Errorf("list of open jobs with -f json:\n%s", again)
	}
	l.in("", "finish", c).want(t, 0, "Slurm job "+c+": Completed")
	l.in("", "finish", "--slurm-job-id", b, "-m", "told at the end").want(t, 0)
	if r := l.recordOf("HEAD"); r.Title != "Slurm job "+b+": Completed\n\ntold at the end\n\nsecond" {
		t.Errorf("message %q", r.Title)
	}
	for _, id := range []string{"999999", "nonsense"} {
		l.in("", "finish", id).want(t, 1, "Error accessing slurm job "+id+" in database")
	}
	l.in("", "finish", b).want(t, 1, "closed already")
	l.in("", "finish", a, "--slurm-job-id", b).want(t, 2)
	if got := l.in("", "finish", "--list-open-jobs").stdout; strings.Count(got, "COMPLETED") != 1 || !strings.Contains(got, a) {
		t.Errorf("list of open jobs:\n%s", got)
	}
	l.in("", "slurm-finish").want(t, 0)
	l.Check()
}

// TestMissingAndUnchangedOutputs: the one is an error that leaves the job
// open, the other a success with a record.
func TestMissingAndUnchangedOutputs(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	first := l.write("same.txt")
	lacks := l.submit("", "-o", "never.txt", "-o", "there.txt", "sbatch", "job.sh", "there.txt")
	l.await(first, lacks)
	l.in("", "finish").want(t, 1, "declared output is missing: never.txt", "Slurm job "+first+": Completed").
		without(t, "missing: there.txt")
	if r := l.job(lacks); !r.Open {
		t.Errorf("the job without its output is closed")
	}
	again := l.submit("", "-o", "same.txt", "sbatch", "--output=/dev/null", "job.sh", "same.txt")
	l.await(again)
	tip := l.Git("rev-parse", "HEAD:same.txt")
	l.in("", "finish", again).want(t, 0)
	if r := l.recordOf("HEAD"); fmt.Sprint(r.ID) != again || l.Git("rev-parse", "HEAD:same.txt") != tip {
		t.Errorf("record of the unchanged output:\n%s", r.JSON)
	}
	l.Write("never.txt", "by hand\n")
	l.in("", "finish").want(t, 0)
	l.Check()
}

func TestFinishOnBranches(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	base := l.Git("rev-parse", "HEAD")
	a, b := l.write("a.txt"), l.write("b.txt")
	l.await(a, b)
	l.in("", "finish", "--branches").want(t, 0)
	if l.Git("rev-parse", "HEAD") != base {
		t.Error("the branch of the user moved")
	}
	for _, id := range []string{a, b} {
		branch := "slurm-job-branch-" + id
		if r := l.recordOf(branch); fmt.Sprint(r.ID) != id || l.Git("rev-parse", branch+"^") != base {
			t.Errorf("%s holds job %d", branch, r.ID)
		}
	}
	l.Check()

	c, d, e := l.write("c.txt"), l.write("d.txt"), l.write("e.txt")
	l.await(c, d, e)
	l.in("", "finish", "--octopus").want(t, 0)
	if got := l.Git("log", "-1", "--format=%B"); got != "Merge all branches from finished jobs" {
		t.Errorf("merge: %q", got)
	}
	parents := strings.Fields(l.Git("log", "-1", "--format=%P"))
	var ids []string
	for _, p := range parents {
		if p != base {
			ids = append(ids, fmt.Sprint(l.recordOf(p).ID))
		}
	}
	sameSet(t, "merged jobs", ids, []string{c, d, e})
	sameSet(t, "branches left", strings.Fields(l.Git("for-each-ref", "--format=%(refname:short)", "refs/heads")),
		[]string{"main", "git-annex", "slurm-job-branch-" + a, "slurm-job-branch-" + b})
	l.Check()
	for _, name := range []string{"c.txt", "d.txt", "e.txt"} {
		if !l.exists(name) {
			t.Errorf("%s is not in the work tree", name)
		}
	}

	f := l.write("f.txt")
	l.await(f)
	l.in("", "finish", "--octopus").want(t, 0)
	if r := l.recordOf("HEAD"); fmt.Sprint(r.ID) != f {
		t.Errorf("one job needs no merge, got %d", r.ID)
	}
	l.in("", "finish", "--octopus").want(t, 0)
	l.in("", "finish", "--octopus", "--branches").want(t, 2)
	l.Check()
}

func TestFinishElsewhere(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	a, b := l.write("a.txt"), l.write("b.txt")
	l.Git("checkout", "-q", "--detach")
	c, d := l.write("c.txt"), l.write("d.txt")
	l.await(a, b, c, d)

	for _, option := range []string{"--branches", "--octopus"} {
		o := l.in("", "finish", option, c).want(t, 1, "detached HEAD")
		if l.Git("rev-parse", "HEAD") != l.Git("rev-parse", "main") {
			t.Errorf("%s made a commit: %s", option, o.stdout)
		}
	}
	l.in("", "finish", c).want(t, 0)
	if r := l.recordOf("HEAD"); fmt.Sprint(r.ID) != c || l.Git("rev-parse", "HEAD^") != l.Git("rev-parse", "main") {
		t.Errorf("detached HEAD holds job %d", r.ID)
	}
	l.in("", "finish", a).want(t, 1, "main", "detached HEAD", "--here")

	l.Git("checkout", "-q", "-b", "other", "main")
	tip := l.Git("rev-parse", "HEAD")
	l.in("", "finish").want(t, 1, "main", "other", "--here").without(t, "slurm-finish(ok)")
	if l.Git("rev-parse", "HEAD") != tip {
		t.Error("a job of another branch was committed")
	}
	l.in("", "finish", "--here", a).want(t, 0)
	if r := l.recordOf("other"); fmt.Sprint(r.ID) != a {
		t.Errorf("other holds job %d", r.ID)
	}
	l.Git("checkout", "-q", "main")
	l.in("", "finish", b).want(t, 0)
	l.in("", "finish", "--here", d).want(t, 0)
	l.Check()
}

// TestMixedArray: some tasks fail.
func TestMixedArray(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.script("some.sh", "#!/bin/sh\necho $SLURM_ARRAY_TASK_ID > part_$SLURM_ARRAY_TASK_ID\n[ $SLURM_ARRAY_TASK_ID = 0 ]\n")
	l.Save("-m", "s")
	id := l.submit("", "-m", "text", "-o", "part_0", "-o", "part_1", "-o", "part_2", "sbatch", "--array=0-2", "some.sh")
	l.await(id)
	statuses := fmt.Sprintf("Slurm job(s) for job %[1]s are not complete.Statuses: %[1]s_0: COMPLETED, %[1]s_1: FAILED, %[1]s_2: FAILED", id)
	l.in("", "finish").want(t, 1, "slurm-finish(impossible): ["+statuses+"]")
	l.in("", "finish", "--list-open-jobs").want(t, 0, fmt.Sprintf("%-10s ARRAY FAILED (SOME COMPLETE)\n", id))
	l.in("", "finish", "--commit-failed-jobs").want(t, 0)
	if r := l.recordOf("HEAD"); r.Title != "Slurm job "+id+": Array failed (some complete)\n\n"+statuses+"\n\ntext" {
		t.Errorf("message %q", r.Title)
	}
	l.Check()
}
