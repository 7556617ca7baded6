package slurm

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestInputChanged: an input that changes before the job ends is told of.
func TestInputChanged(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	l.Write("a.bin", oldContent)
	l.Write("b.txt", "stays\n")
	l.Save("-m", "inputs")
	key := filepath.Base(l.Git("cat-file", "-p", "HEAD:a.bin"))
	blob := l.Git("rev-parse", "HEAD:in.txt")
	id := l.submit("", "-i", "in.txt", "-i", "a.bin", "-i", "b.txt", "-o", "o.txt", "sbatch", "--hold", "job.sh", "o.txt")
	l.Write("in.txt", "changed\n")
	l.c.call(t, "scontrol", "release", id)
	l.await(id)
	l.in("", "finish").want(t, 0, "[WARNING]", "in.txt changed after it was scheduled").without(t, "a.bin changed", "b.txt changed")
	r := l.recordOf("HEAD")
	if r.Stemma.Inputs["in.txt"] != blob || r.Stemma.Inputs["a.bin"] != key || len(r.Stemma.Inputs) != 3 {
		t.Errorf("inputs %v, want %s and %s", r.Stemma.Inputs, blob, key)
	}
	now := l.Git("hash-object", "in.txt")
	if len(r.Stemma.Changed) != 1 || r.Stemma.Changed["in.txt"] != now {
		t.Errorf("changed inputs %v, want in.txt %s", r.Stemma.Changed, now)
	}
	if got := l.Git("status", "--porcelain"); got != " M in.txt" {
		t.Errorf("git status %q", got)
	}
}

func TestJobScriptAndEnvironment(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	clean := l.Git("rev-parse", "HEAD:job.sh")
	a := l.in("", "-f", "json", "schedule", "-o", "a", "sbatch", "-J", "two words", "job.sh", "a").want(t, 0).without(t, "job script")
	l.script("new.sh", jobScript+"# new\n")
	b := l.in("", "-f", "json", "schedule", "-o", "b", "sbatch", "new.sh", "b").want(t, 0, "[WARNING]", "new.sh is untracked")
	l.script("job.sh", jobScript+"# changed\n")
	c := l.in("", "-f", "json", "schedule", "-o", "c", "sbatch", "job.sh", "c").want(t, 0, "[WARNING]", "job.sh is modified")
	ids := append(append(l.submitted(a), l.submitted(b)...), l.submitted(c)...)
	l.await(ids...)
	l.in("", "finish").want(t, 0)
	for i, want := range []struct{ path, id, state string }{
		{"job.sh", clean, "clean"}, {"new.sh", l.Git("hash-object", "new.sh"), "untracked"}, {"job.sh", l.Git("hash-object", "job.sh"), "modified"},
	} {
		r := l.recordOf([]string{"HEAD~2", "HEAD~1", "HEAD"}[i])
		if s := r.Stemma.Script; s.Path != want.path || s.ID != want.id || s.State != want.state {
			t.Errorf("job %d: script %+v, want %+v", i, s, want)
		}
		sameSet(t, "modules", r.Stemma.Modules, []string{"gcc/13.2", "hdf5/1.14"})
		if e := r.Stemma.Environment; e["OMP_NUM_THREADS"] != "2" || e["HOME"] != "" || e["PATH"] != "" {
			t.Errorf("environment %v", e)
		}
	}
	envJSON(t, l, ids[0])
	if out := l.Git("log", "-p", "--all"); strings.Contains(out, secret) {
		t.Error("a secret was committed")
	}
}

// envJSON compares a file with what Slurm tells.
func envJSON(t *testing.T, l *lab, id string) {
	t.Helper()
	fields := map[string]string{}
	if err := json.Unmarshal([]byte(l.read("slurm-job-"+id+".env.json")), &fields); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"JobName": "two words", "WorkDir": l.Dir, "StdOut": l.Dir + "/slurm-" + id + ".out",
		"Command": l.Dir + "/job.sh a", "NumNodes": "1", "Dependency": "(null)", "ReqB:S:C:T": "0:0:*:*",
	} {
		if fields[key] != want {
			t.Errorf("env.json: %s is %q, want %q", key, fields[key], want)
		}
	}
	for _, key := range []string{"UserId", "JobId"} {
		if _, ok := fields[key]; ok {
			t.Errorf("env.json has %s", key)
		}
	}
	if fields["Account"] == "" {
		t.Error("env.json has no account")
	}
	if s := fields["JobState"]; s != "PENDING" && s != "RUNNING" && s != "COMPLETED" {
		t.Errorf("env.json: JobState is %q", s)
	}
	if len(fields) < 45 {
		t.Errorf("env.json has %d fields only", len(fields))
	}
}

// TestAnonymous: neither host nor account nor an absolute path is published.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	alt := l.altDir()
	outside := filepath.Join(l.Root, "outside.txt")
	if err := os.WriteFile(outside, []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	base, annex := l.Git("rev-parse", "HEAD"), l.Git("rev-parse", "git-annex")
	l.Env = append(l.Env, "LOADEDMODULES=gcc/13.2:/home/me/modules/mine", "CONDA_PREFIX=/home/me/conda")
	plain := l.submit("", "--anonymous", "-m", "hidden", "-i", "in.txt", "-o", "a.txt", "-o", "a.bin", "sbatch", "job.sh", "a.txt")
	l.Write("a.bin", oldContent)
	arr := l.submit("", "--anonymous", "-o", "arr", "sbatch", "--array=0-2", "arr.sh")
	there := l.submit("", "--anonymous", "-i", "../outside.txt", "-i", "in.txt", "-o", "b.txt", "-a", alt, "sbatch", "job.sh", "b.txt")
	l.await(plain, arr, there)
	l.in("", "finish").want(t, 0)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	text := l.Git("log", "-p", "--format=%B", base+"..HEAD") + l.Git("log", "-p", "--format=%B", annex+"..git-annex")
	telling := regexp.MustCompile(`\b(n1|lab|root|defq|` + regexp.QuoteMeta(host) + `)\b|/home/|/tmp/|` + regexp.QuoteMeta(os.TempDir()) + `|"/`)
	for line := range strings.Lines(text) {
		if found := telling.FindString(line); found != "" && !strings.Contains(line, "/dev/null") {
			t.Errorf("%q is in %q", found, line)
		}
	}
	if r := l.recordOf("HEAD~2"); r.Title != "Slurm job "+plain+": Completed\n\nhidden" || r.Stemma.Base != base {
		t.Errorf("record\n%s", r.JSON)
	}
	l.Check()
	if out, err := exec.Command("git", "-C", l.Dir, "cat-file", "-e", "HEAD:b.txt").CombinedOutput(); err != nil {
		t.Errorf("b.txt is not committed: %s", out)
	}
}
