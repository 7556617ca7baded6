package slurm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bounded is how long a command may take while the controller hangs. Slurm's
// programs give up after twice MessageTimeout.
const bounded = time.Minute

// inTime is lab.in for a command that must not hang.
func (l *lab) inTime(args ...string) outcome {
	l.T.Helper()
	begin := time.Now()
	o := l.in("", args...)
	if took := time.Since(begin); took > bounded {
		l.T.Errorf("stemma %s took %v", strings.Join(args, " "), took)
	}
	return o
}

// waiting submits a job that writes its output when the gate is opened.
func (l *lab) waiting(gate, out string, options ...string) string {
	l.T.Helper()
	line := append([]string{"-o", out, "sbatch"}, options...)
	return l.submit("", append(line, "--wrap", fmt.Sprintf("while [ ! -e '%s' ]; do sleep 0.2; done; echo x > %s", l.gate(gate), out))...)
}

func (l *lab) gate(name string) string { return filepath.Join(l.Root, name) }

func (l *lab) open(gate string) {
	l.T.Helper()
	if err := os.WriteFile(l.gate(gate), nil, 0o644); err != nil {
		l.T.Fatal(err)
	}
}

// TestControllerAway: the controller hangs, is gone, and comes back, while jobs
// run and the program asks.
func TestControllerAway(t *testing.T) {
	t.Parallel()
	c := ownCluster(t, "--no-accounting")
	c.configure(t, "MessageTimeout=2")
	l := newLab(t, c)
	done, runs := l.write("done.txt"), l.waiting("gate", "runs.txt")
	l.await(done)
	c.awaitState(t, runs, "RUNNING")
	tip := l.Git("rev-parse", "HEAD")

	c.signal(t, "slurmctld", syscall.SIGSTOP)
	defer func() { _ = syscall.Kill(c.daemon(t, "slurmctld"), syscall.SIGCONT) }()
	l.inTime("finish").want(t, 1, done+": UNKNOWN", runs+": UNKNOWN", "does not answer, ask again later")
	l.inTime("finish", "--close-failed-jobs").want(t, 1, "UNKNOWN")
	l.inTime("jobs").want(t, 0, "UNKNOWN")
	l.inTime("schedule", "-i", "done.txt", "-o", "next.txt", "sbatch", "job.sh", "next.txt").want(t, 1, "done.txt", done)
	name := "hang" + filepath.Base(filepath.Dir(l.Root))
	line := []string{"schedule", "-o", "hung.txt", "sbatch", "-J", name, "job.sh", "hung.txt"}
	l.inTime(line...).want(t, 1, "uncertain", "adopt", "release")
	l.inTime(line...).want(t, 1, "uncertain")
	c.signal(t, "slurmctld", syscall.SIGCONT)
	var ids []string
	until(t, "the request to be served", func() bool { ids = c.named(t, name); return len(ids) > 0 })
	l.inTime(line...).want(t, 1, "uncertain", ids[0])
	if again := c.named(t, name); len(again) != 1 {
		t.Fatalf("submitted again: %q", again)
	}
	l.inTime("jobs", "adopt", ids[0]).want(t, 0)
	if l.Git("rev-parse", "HEAD") != tip {
		t.Error("something was committed")
	}

	c.stop(t, "slurmctld")
	l.inTime("finish").want(t, 1, runs+": UNKNOWN", "does not answer, ask again later")
	before := len(l.jobs())
	l.inTime("schedule", "-o", "gone.txt", "sbatch", "job.sh", "gone.txt").want(t, 1, "Unable to contact slurm controller")
	if n := len(l.jobs()); n != before && l.jobs()[n-1].Open {
		t.Error("a submission that cannot have arrived is kept")
	}
	c.startController(t)
	c.awaitState(t, runs, "RUNNING")
	l.open("gate")
	l.await(runs, ids[0])
	l.in("", "finish").want(t, 0, "Slurm job "+done+": Completed", "Slurm job "+runs+": Completed", "Slurm job "+ids[0]+": Completed")
	l.Check()

	// The controller loses its memory: ids are those of other jobs then.
	lost := l.write("lost.txt")
	l.await(lost)
	c.amnesia(t)
	for other := ""; other != lost; {
		other = c.call(t, "sbatch", "--parsable", "-o", "/dev/null", "--wrap", "true")
		l.await(other)
	}
	l.in("", "finish").want(t, 1, lost+": UNKNOWN", "given its id to another job")
	if l.exists("lost.txt") && !l.job(lost).Open {
		t.Error("the lost job was judged by another one")
	}
	l.in("", "jobs", "release", lost).want(t, 0)
}

// TestWeather: jobs that the system ends, starts anew, or forgets.
func TestWeather(t *testing.T) {
	t.Parallel()
	c := ownCluster(t, "--nodes", "2")
	t.Run("ids used again", func(t *testing.T) { idsUsedAgain(t, newLab(t, c)) })
	t.Run("preemption", func(t *testing.T) { preemption(t, newLab(t, c)) })
	t.Run("nodes", func(t *testing.T) { nodesFail(t, newLab(t, c)) })
}

// idsUsedAgain: accounting knows how the older job of an id ended.
func idsUsedAgain(t *testing.T, l *lab) {
	good, bad := l.write("good.txt"), l.submit("", "-o", "bad.txt", "sbatch", "fail.sh", "bad.txt")
	l.await(good, bad)
	l.c.amnesia(t)
	again := l.waiting("again", "again.txt")
	fails := l.submit("", "-o", "fails.txt", "sbatch", "fail.sh", "fails.txt")
	if again != good || fails != bad {
		t.Skipf("the controller gives out the ids %s and %s, not %s and %s", again, fails, good, bad)
	}
	l.c.awaitState(t, again, "RUNNING")
	var o outcome
	until(t, "the end of the second job", func() bool { // accounting has two of its id
		o = l.in("", "finish")
		return strings.Count(o.stdout, bad+": FAILED") == 2
	})
	o.want(t, 1, again+": RUNNING")
	if r := l.recordOf("HEAD"); fmt.Sprint(r.ID) != good || r.Outputs[0] != "./good.txt" && r.Outputs[0] != "good.txt" {
		t.Errorf("record of %v", r.Outputs)
	}
	l.in("", "finish", "--close-failed-jobs").want(t, 1, again+": RUNNING")
	l.open("again")
	until(t, "the younger job to be finished", func() bool { return l.in("", "finish").code == 0 })
	if l.read("again.txt") != "x\n" || len(l.openRows()) > 0 {
		t.Errorf("open: %v", l.openRows())
	}
}

func (l *lab) openRows() (open []row) {
	l.T.Helper()
	for _, r := range l.jobs() {
		if r.Open {
			open = append(open, r)
		}
	}
	return open
}

// preemption: a job that was preempted for good has failed; one that will start
// again is not over, although Slurm gives it a new time of submission.
func preemption(t *testing.T, l *lab) {
	l.c.configure(t, "PreemptType=preempt/partition_prio", "PreemptMode=REQUEUE",
		"PartitionName=again Nodes=n[1-2] PriorityTier=1 PreemptMode=REQUEUE State=UP MaxTime=INFINITE DefaultTime=60",
		"PartitionName=away Nodes=n[1-2] PriorityTier=1 PreemptMode=CANCEL State=UP MaxTime=INFINITE DefaultTime=60",
		"PartitionName=first Nodes=n[1-2] PriorityTier=9 PreemptMode=OFF State=UP MaxTime=INFINITE DefaultTime=60")
	again := l.waiting("go", "again.txt", "-p", "again", "-w", "n1", "--exclusive")
	away := l.waiting("go", "away.txt", "-p", "away", "-w", "n2", "--exclusive")
	l.c.awaitState(t, again, "RUNNING")
	l.c.awaitState(t, away, "RUNNING")
	// With both nodes taken this one can never end in time.
	late := l.submit("", "-o", "late.txt", "sbatch", "--deadline=now+62seconds", "--time=1", "-N2", "--exclusive", "job.sh", "late.txt")
	l.c.awaitState(t, late, "DEADLINE")
	first := l.submit("", "-o", "first.txt", "sbatch", "-p", "first", "-N2", "--exclusive", "job.sh", "first.txt")
	l.await(first)
	l.in("", "finish").want(t, 1, "Slurm job "+first+": Completed", away+": PREEMPTED", late+": DEADLINE")
	if !l.job(again).Open {
		t.Error("the job that starts again is closed")
	}
	l.in("", "finish", "--close-failed-jobs").want(t, 1, away+": PREEMPTED", late+": DEADLINE", again+": ")
	l.open("go")
	l.restarted(again)
	l.in("", "finish").want(t, 0, "Slurm job "+again+": Completed")
	l.Git("fsck", "--strict") // the files of failed jobs are not tracked
}

// restarted lets a requeued job start soon, rather than in two minutes, and
// waits for its end. At once would be too early: nodes refuse what comes within
// a second of the order to end the job.
func (l *lab) restarted(id string) {
	l.T.Helper()
	l.c.awaitState(l.T, id, "PENDING")
	l.c.call(l.T, "scontrol", "update", "JobId="+id, "StartTime=now+3")
	l.await(id)
}

// nodesFail: a node goes down under two jobs, one of which may run again.
func nodesFail(t *testing.T, l *lab) {
	lost := l.waiting("never", "lost.txt", "-w", "n2", "--no-requeue")
	back := l.waiting("up", "back.txt", "-w", "n2")
	l.c.awaitState(t, lost, "RUNNING")
	l.c.awaitState(t, back, "RUNNING")
	l.c.stop(t, "slurmd.n2")
	l.c.call(t, "scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=test")
	until(t, "the node's failure to show", func() bool { return strings.Contains(l.in("", "finish").stdout, lost+": NODE_FAIL") })
	if !l.job(back).Open {
		t.Error("the job that runs again is closed")
	}
	l.in("", "finish", "--close-failed-jobs").want(t, 1, lost+": NODE_FAIL", back+": PENDING")
	l.c.daemonize(t, "/usr/sbin/slurmd", "-N", "n2")
	l.open("up")
	l.open("never") // what the failed job left behind ends
	until(t, "the node to be back", func() bool {
		state := l.c.call(t, "sinfo", "-h", "-n", "n2", "-p", "defq", "-o", "%t")
		if strings.HasPrefix(state, "down") {
			resume := exec.Command("scontrol", "update", "NodeName=n2", "State=RESUME")
			resume.Env = l.c.env()
			_ = resume.Run() // it may have come back by itself
		}
		return state == "idle"
	})
	l.restarted(back)
	l.in("", "finish").want(t, 0, "Slurm job "+back+": Completed")
	l.Git("fsck", "--strict") // the files of failed jobs are not tracked
}
