package slurm

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestNoAccounting: the controller's memory has to do.
func TestNoAccounting(t *testing.T) {
	t.Parallel()
	c := ownCluster(t, "--no-accounting")
	l := newLab(t, c)
	a := l.write("a.txt", "-m", "plain")
	arr := l.submit("", "-o", "arr", "sbatch", "--array=0-2", "arr.sh")
	bad := l.submit("", "-o", "bad.txt", "sbatch", "fail.sh", "bad.txt")
	held := l.submit("", "-o", "held.txt", "sbatch", "--hold", "job.sh", "held.txt")
	l.await(a, arr, bad)
	l.in("", "finish").want(t, 1, "Slurm job "+a+": Completed", "Slurm job "+arr+": Completed", bad+": FAILED", held+": PENDING")
	if r := l.recordOf("HEAD~1"); fmt.Sprint(r.ID) != a || r.Stemma.Scheduler.ExitCode == nil || r.Stemma.Scheduler.End == "" {
		t.Errorf("record\n%s", r.JSON)
	}
	sameSet(t, "committed files", l.changed("HEAD"), []string{"arr/0.txt", "arr/1.txt", "arr/2.txt",
		"slurm-" + arr + "_0.out", "slurm-" + arr + "_1.out", "slurm-" + arr + "_2.out", "slurm-job-" + arr + ".env.json"})
	l.in("", "finish", "--commit-failed-jobs", bad).want(t, 0)
	if r := l.recordOf("HEAD"); r.Stemma.Scheduler.ExitCode == nil || *r.Stemma.Scheduler.ExitCode != 3 {
		t.Errorf("record\n%s", r.JSON)
	}

	// A job that nobody remembers any more is never success, and stops nobody.
	// The one that stays keeps Slurm from using the ids again.
	forgotten, kept := l.write("forgotten.txt"), l.write("kept.txt")
	l.submit("", "-o", "stays.txt", "sbatch", "--hold", "job.sh", "stays.txt")
	l.await(forgotten, kept)
	forget(t, l, forgotten)
	l.in("", "finish").want(t, 1, forgotten+": UNKNOWN", "no accounting", held+": PENDING")
	if !l.job(forgotten).Open {
		t.Error("the forgotten job is closed")
	}
	next := l.write("next.txt")
	l.await(next)
	l.in("", "finish").want(t, 1, "Slurm job "+next+": Completed", forgotten+": UNKNOWN")
	l.in("", "jobs", "release", forgotten).want(t, 0)
}

// forget makes the controller forget a job that has ended: it is started
// again without the memory of it.
func forget(t *testing.T, l *lab, id string) {
	t.Helper()
	conf, err := os.ReadFile(l.c.conf)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(conf), "MinJobAge=300", "MinJobAge=2", 1)
	if err := os.WriteFile(l.c.conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	l.c.call(t, "scontrol", "reconfigure")
	until(t, "the controller to forget job "+id, func() bool {
		return !strings.Contains("\n"+l.c.call(t, "squeue", "-h", "-a", "-t", "all", "-o", "%F")+"\n", "\n"+id+"\n")
	})
	if err := os.WriteFile(l.c.conf, conf, 0o644); err != nil {
		t.Fatal(err)
	}
	l.c.call(t, "scontrol", "reconfigure")
}

// TestAccountingOutage: slurmdbd goes away while jobs are open.
func TestAccountingOutage(t *testing.T) {
	t.Parallel()
	c := ownCluster(t)
	l := newLab(t, c)
	before := l.write("before.txt")
	l.await(before)
	c.stop(t, "slurmdbd")
	c.accounting = false
	during, bad := l.write("during.txt"), l.submit("", "-o", "bad.txt", "sbatch", "fail.sh", "bad.txt")
	held := l.submit("", "-o", "held.txt", "sbatch", "--hold", "job.sh", "held.txt")
	l.await(during, bad)
	o := l.in("", "finish").want(t, 1, bad+": FAILED", held+": PENDING")
	for _, id := range []string{before, during} {
		// The controller knows them, so that they need no accounting.
		o.want(t, 1, "Slurm job "+id+": Completed")
	}
	list := l.in("", "finish", "--list-open-jobs").want(t, 0).stdout
	if strings.Count(list, "\n") != 5 {
		t.Errorf("open jobs:\n%s", list)
	}
	l.in("", "finish", "--close-failed-jobs", bad).want(t, 0)
}
