package slurm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestFinishAtOnce: each job is committed once, however many finish.
func TestFinishAtOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	base := l.Git("rev-parse", "HEAD")
	var ids []string
	for _, name := range []string{"a", "b", "c", "d"} {
		ids = append(ids, l.write(name))
	}
	l.await(ids...)
	var wg sync.WaitGroup
	outcomes := make([]outcome, 4)
	for i := range outcomes {
		args := []string{"finish"}
		if i == 0 {
			args = append(args, ids[0])
		}
		cmd := l.command("", args...)
		wg.Go(func() { outcomes[i] = l.finished(cmd) })
	}
	wg.Wait()
	l.in("", "finish").want(t, 0)
	log := l.Git("log", "--format=%s", base+"..HEAD")
	for _, id := range ids {
		if n := strings.Count(log+"\n", "Slurm job "+id+": Completed\n"); n != 1 {
			t.Errorf("job %s was committed %d times\n%+v", id, n, outcomes)
		}
	}
	l.Check()
}

// TestDamagedLedger: open jobs survive it.
func TestDamagedLedger(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	a, b := l.write("a.txt", "-m", "first"), l.submit("sub", "-o", "b.txt", "sbatch", "../job.sh", "b.txt")
	l.await(a, b)
	files, err := filepath.Glob(filepath.Join(l.Dir, ".git", "stemma", "*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("ledgers %q %v", files, err)
	}
	if err := os.WriteFile(files[0], []byte(strings.Repeat("garbage\n", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	l.in("", "finish").want(t, 0, "[WARNING]", "damaged", "Slurm job "+a+": Completed", "Slurm job "+b+": Completed")
	if r := l.recordOf("HEAD~1"); r.Title != "Slurm job "+a+": Completed\n\nfirst" {
		t.Errorf("record\n%s", r.JSON)
	}
	if r := l.recordOf("HEAD"); r.Pwd != "sub" || len(r.Logs) != 2 {
		t.Errorf("record\n%s", r.JSON)
	}
	l.Check()
}

// TestRepositoryInTheWay: what keeps finish from committing is said, and
// nothing is lost.
func TestRepositoryInTheWay(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	id := l.write("a.txt")
	l.await(id)
	lock := filepath.Join(l.Dir, ".git", "index.lock")
	if err := os.WriteFile(lock, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	l.in("", "-c", "stemma.index-wait=1", "finish").want(t, 1, "index.lock")
	if _, err := os.Stat(lock); err != nil {
		t.Errorf("the lock of somebody else: %v", err)
	}
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}

	l.Git("checkout", "-q", "-b", "side")
	l.Write("in.txt", "side\n")
	l.Save("-m", "side")
	l.Git("checkout", "-q", "main")
	l.Write("in.txt", "main\n")
	l.Save("-m", "main")
	tip := l.Git("rev-parse", "HEAD")
	// Entries of the index that are as young as the index are marked as not
	// known to be clean, about which `git merge` may stumble ("stash failed").
	l.Git("update-index", "-q", "--refresh")
	if out, err := l.Try("git", "merge", "side"); err == nil || !strings.Contains(out, "CONFLICT") {
		t.Fatalf("git merge: %v\n%s", err, out)
	}
	l.in("", "finish").want(t, 1, "merge")
	if l.Git("rev-parse", "HEAD") != tip || !l.job(id).Open {
		t.Error("something was committed in the middle of a merge")
	}
	l.Git("merge", "--abort")
	l.in("", "finish").want(t, 0, "Slurm job "+id+": Completed")
	l.Check()
}

// TestOtherWorkTrees: a job is finished where it was scheduled.
func TestOtherWorkTrees(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	id := l.write("a.txt")
	tree, clone := filepath.Join(l.Root, "tree"), filepath.Join(l.Root, "clone")
	l.Git("worktree", "add", "-q", "-b", "other", tree)
	l.Git("clone", "-q", l.Dir, clone)
	l.await(id)
	for _, dir := range []string{tree, clone} {
		cmd := exec.Command(l.Bin, "finish", id)
		cmd.Env, cmd.Dir = l.Env, dir
		l.finished(cmd).want(t, 1, id).without(t, "(ok)")
		cmd = exec.Command(l.Bin, "finish")
		cmd.Env, cmd.Dir = l.Env, dir
		l.finished(cmd).want(t, 0).without(t, "Slurm job")
	}
	l.in("", "finish").want(t, 0, "Slurm job "+id+": Completed")
	if err := os.RemoveAll(tree); err != nil { // git-annex made its .git a link, so that git would not
		t.Fatal(err)
	}
	l.Git("worktree", "prune")
	l.Check()
}

// TestArrayTaskCancelled: an array that lacks a task is never complete.
func TestArrayTaskCancelled(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	id := l.submit("", "-o", "arr", "sbatch", "--hold", "--array=0-2", "arr.sh")
	l.c.call(t, "scancel", id+"_1")
	l.in("", "finish").want(t, 1, "PENDING")
	l.c.call(t, "scontrol", "release", id)
	until(t, "the other tasks to end", func() bool { return l.exists("arr/0.txt") && l.exists("arr/2.txt") })
	for range 5 {
		l.in("", "finish").want(t, 1, "slurm-finish(impossible)").without(t, "Slurm job "+id+": Completed")
	}
	if l.exists("arr/1.txt") {
		t.Error("the cancelled task ran")
	}
	l.in("", "finish", "--list-open-jobs").want(t, 0, id)
}
