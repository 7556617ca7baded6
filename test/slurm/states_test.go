package slurm

import (
	"strings"
	"testing"
	"time"
)

// TestStates: whatever state a job is in, it is shown, and finished only when
// it is over.
func TestStates(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	tip := l.Git("rev-parse", "HEAD")
	sleeper := func(out string, options ...string) string {
		line := append([]string{"-o", out, "sbatch"}, options...)
		return l.submit("", append(line, "--wrap", "sleep 300; echo x > "+out)...)
	}
	// The slowest first: Slurm looks at time limits every half minute.
	slow := sleeper("timeout.txt")
	suspended, requeued, cancelled := sleeper("suspended.txt"), sleeper("requeued.txt"), sleeper("cancelled.txt")
	held := sleeper("held.txt", "--hold")
	bad := l.submit("", "-o", "bad.txt", "sbatch", "fail.sh", "bad.txt")
	never := l.submit("", "-o", "never.txt", "sbatch", "--dependency=afterok:"+bad, "job.sh", "never.txt")
	for _, id := range []string{slow, suspended, requeued, cancelled} {
		l.c.awaitState(t, id, "RUNNING")
	}
	l.c.call(t, "scontrol", "update", "JobId="+slow, "EndTime="+time.Now().Add(2*time.Second).Format("2006-01-02T15:04:05"))
	l.c.call(t, "scontrol", "suspend", suspended)
	l.c.call(t, "scontrol", "requeue", requeued)
	l.in("", "finish", "--close-failed-jobs", requeued).want(t, 1, "slurm-finish(impossible)")
	l.cancel(cancelled)
	l.await(cancelled, bad)
	l.c.awaitState(t, suspended, "SUSPENDED")

	list := l.in("", "finish", "--list-open-jobs").want(t, 0).stdout
	for id, state := range map[string]string{
		suspended: "SUSPENDED", cancelled: "CANCELLED", held: "PENDING", bad: "FAILED", never: "PENDING",
	} {
		if !strings.Contains(list, id+strings.Repeat(" ", 11-len(id))+state+"\n") {
			t.Errorf("job %s should be %s:\n%s", id, state, list)
		}
	}
	until(t, "the dependency to be hopeless", func() bool { return strings.Contains(l.job(never).Note, "never") })
	o := l.in("", "finish").want(t, 1,
		suspended+": SUSPENDED", held+": PENDING", cancelled+": CANCELLED", bad+": FAILED", never+": PENDING")
	if strings.Contains(o.stdout, "(ok)") {
		t.Errorf("finish:\n%s", o.stdout)
	}
	// Only what is over can be closed; the slow job is, or is not yet.
	early := l.in("", "finish", "--close-failed-jobs").want(t, 1, "Closing failed / cancelled jobs. Statuses: "+cancelled+": CANCELLED",
		"Closing failed / cancelled jobs. Statuses: "+bad+": FAILED")
	for _, id := range []string{suspended, requeued, held, never} {
		if !l.job(id).Open {
			t.Errorf("job %s is closed", id)
		}
	}
	l.in("", "finish", "--commit-failed-jobs", suspended).want(t, 1, "SUSPENDED")
	if l.Git("rev-parse", "HEAD") != tip {
		t.Error("something was committed")
	}

	l.cancel(suspended, requeued, held, never)
	l.await(suspended, requeued, held, never, slow)
	late := l.in("", "finish", "--close-failed-jobs").want(t, 0, requeued+": CANCELLED", never+": CANCELLED")
	if n := strings.Count(early.stdout+late.stdout, slow+": TIMEOUT"); n != 1 {
		t.Errorf("%s: TIMEOUT is said %d times:\n%s%s", slow, n, early.stdout, late.stdout)
	}
	l.in("", "finish", "--list-open-jobs").without(t, "open")
	for _, r := range l.jobs() {
		if r.Open || r.State != "CLOSED-FAILED" {
			t.Errorf("job %+v", r)
		}
	}
}

// TestJobsThatGoOn: jobs that wait are finished once they ran; what they will
// produce is no input before.
func TestJobsThatGoOn(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	first := l.submit("", "-o", "first.txt", "sbatch", "--hold", "--wrap", "echo $SLURM_RESTART_COUNT > first.txt")
	second := l.submit("", "-o", "second.txt", "sbatch", "--dependency=afterok:"+first, "--wrap", "cat first.txt > second.txt")
	l.in("", "finish").want(t, 1, first+": PENDING", second+": PENDING")
	l.c.call(t, "scontrol", "release", first)
	l.await(first, second)
	l.in("", "finish").want(t, 0)
	l.Check()
	// What an open job will produce is no input yet, if one does not want to wait.
	third := l.submit("", "-o", "third", "sbatch", "--hold", "--wrap", "mkdir third; echo x > third/x")
	l.in("", "schedule", "--no-auto-dependency", "-i", "third/x", "-o", "fourth", "sbatch", "job.sh", "fourth").want(t, 1, "third/x", third)
	l.c.call(t, "scontrol", "release", third)
	l.await(third)
	l.in("", "finish").want(t, 0)
}

// TestConflicts: outputs that are equal or nested, however they are written.
func TestConflicts(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	id := l.submit("", "-o", "p/a/b", "sbatch", "--hold", "job.sh", "p/a/b/x")
	for _, c := range []struct {
		sub, out string
		conflict bool
	}{
		{"", "p/a", true}, {"", "p/a/b", true}, {"", "p/a/b/c", true}, {"", "p/a/b/", true}, {"", "p//a/b", true},
		{"", "./p/a/b", true}, {"", "p/x/../a/b", true}, {"", l.Dir + "/p/a/b", true}, {"", ".", true},
		{"p", "a/b", true}, {"p", "a", true}, {"p/a", "b", true}, {"p/a", ".", true}, {"", "p/a/*", true},
		{"", "p/a/bb", false}, {"p/a", "../bb", false},
	} {
		o := l.in(c.sub, "schedule", "-o", c.out, "sbatch", "--hold", l.Dir+"/job.sh", "x")
		if !c.conflict {
			other := l.in("", "finish", "--list-open-jobs").stdout
			for f := range strings.FieldsSeq(other) {
				if f != id && strings.Trim(f, "0123456789") == "" {
					l.cancel(f)
					l.in("", "jobs", "release", f).want(t, 0)
				}
			}
			o.want(t, 0)
			continue
		}
		o.want(t, 1, id)
	}
	forced := l.submit("", "-o", "p/a/b", "--check-outputs", "no", "sbatch", "--hold", "job.sh", "x")
	l.cancel(id, forced)
}
