package slurm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// datalad runs the real DataLad, with Debian's Python whatever comes first on
// PATH.
func (l *lab) datalad(args ...string) string {
	l.T.Helper()
	cmd := exec.Command("/usr/bin/datalad", args...)
	cmd.Env, cmd.Dir = l.Env, l.Dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.T.Fatalf("datalad %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestRerunOfEachOther: DataLad re-executes what Stemma recorded, and Stemma
// what DataLad recorded.
func TestRerunOfEachOther(t *testing.T) {
	t.Parallel()
	rig.Need(t, "datalad")
	l := newLab(t, shared)
	count := func(out string) string {
		return "n=$(cat counter 2>/dev/null || echo 0); echo $((n+1)) > counter; {{ cat {inputs}; cat counter; }} > '" + out + "'"
	}
	l.in("", "run", "-m", "by stemma", "-i", "in.txt", "-o", "counter", "-o", "with blank", count("with blank")).want(t, 0)
	first := l.Git("rev-parse", "HEAD")
	l.datalad("rerun")
	if l.read("with blank") != "input\n2\n" || l.Git("rev-parse", "HEAD^") != first {
		t.Fatalf("datalad rerun wrote %q", l.read("with blank"))
	}
	if got := l.Git("log", "-1", "--format=%B"); !strings.Contains(got, "[DATALAD RUNCMD] by stemma") || !strings.Contains(got, first) {
		t.Errorf("datalad's message:\n%s", got)
	}

	// Its own record, and one that it made of ours.
	l.in("", "rerun").want(t, 0)
	if l.read("with blank") != "input\n3\n" || strings.Count(l.Git("log", "-1", "--format=%B"), first) != 1 {
		t.Errorf("stemma rerun wrote %q\n%s", l.read("with blank"), l.Git("log", "-1", "--format=%B"))
	}
	sub := filepath.Join(l.Dir, "sub")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	l.Write("blob.bin", oldContent)
	l.Save("-m", "binary")
	l.datalad("run", "-m", "by datalad", "-i", "blob.bin", "-o", "copy.bin", "n=$(wc -c < log || echo 0); echo $n >> log; cat {inputs} log > {outputs}")
	second := l.Git("rev-parse", "HEAD")
	before := l.read("copy.bin")
	l.in("", "rerun", "-m", "again by stemma").want(t, 0)
	if after := l.read("copy.bin"); after == before || !strings.HasPrefix(after, oldContent) {
		t.Errorf("stemma rerun wrote %q", after)
	}
	if got := l.Git("log", "-1", "--format=%B"); !strings.Contains(got, "[DATALAD RUNCMD] again by stemma") || !strings.Contains(got, second) {
		t.Errorf("message:\n%s", got)
	}
	l.Check()
}

// TestJobsAreNoRunsForDataLad: datalad rerun passes over records of jobs.
func TestJobsAreNoRunsForDataLad(t *testing.T) {
	t.Parallel()
	rig.Need(t, "datalad")
	l := newLab(t, shared)
	id := l.write("a.txt")
	l.await(id)
	l.in("", "finish").want(t, 0)
	cmd := exec.Command("/usr/bin/datalad", "rerun")
	cmd.Env, cmd.Dir = l.Env, l.Dir
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "No run commits found") {
		t.Errorf("datalad rerun: %v\n%s", err, out)
	}
	if out := l.datalad("status"); !strings.Contains(out, "nothing to save, working tree clean") {
		t.Errorf("datalad status:\n%s", out)
	}
}
