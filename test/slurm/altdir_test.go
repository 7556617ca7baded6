package slurm

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// altDir makes a folder with blanks and quotes in its name.
func (l *lab) altDir() string {
	l.T.Helper()
	dir := filepath.Join(l.Root, `alt "dir" it's $HOME; x`)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.T.Fatal(err)
	}
	return dir
}

func TestAltDir(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	alt := l.altDir()
	l.Write("data/big.bin", oldContent)
	l.Write("data/in 2.txt", "two\n")
	l.Write("old.txt", "old\n")
	l.script("use.sh", "#!/bin/sh\nset -e\nwhile [ ! -e go ]; do sleep 0.1; done\ncat data/* old.txt > all.bin\necho new > old.txt\nmkdir -p fresh/below\necho f > fresh/below/f.txt\n")
	l.Save("-m", "inputs")
	id := l.submit("", "-m", "elsewhere", "-i", "data", "-o", "all.bin", "-o", "old.txt", "-o", "fresh", "-a", alt, "sbatch", "use.sh")
	l.c.awaitState(t, id, "RUNNING")
	for _, p := range []string{"data/big.bin", "data/in 2.txt", "old.txt", "use.sh"} {
		if fi, err := os.Lstat(filepath.Join(alt, p)); err != nil || !fi.Mode().IsRegular() {
			t.Errorf("%s is not staged: %v", p, err)
		}
	}
	if err := os.WriteFile(filepath.Join(alt, "all.bin"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	l.in("", "finish").want(t, 1, id+": RUNNING")
	if l.exists("all.bin") || l.exists("slurm-"+id+".out") || l.read("old.txt") != "old\n" {
		t.Error("outputs came back before the job had ended")
	}
	if err := os.WriteFile(filepath.Join(alt, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}

	// Beside it: from a folder, and a relative path to the same place.
	sub := l.submit("deep", "-o", "s.txt", "--alt-dir", "../"+"../"+filepath.Base(alt), "sbatch", "-o", "log.txt", "../job.sh", "s.txt")
	l.await(id, sub)
	l.in("", "finish", id).want(t, 0)
	r := l.recordOf("HEAD")
	if r.AltDir == nil || *r.AltDir != alt || r.Title != "Slurm job "+id+": Completed\n\nelsewhere" {
		t.Errorf("record\n%s", r.JSON)
	}
	sameSet(t, "committed files", l.changed("HEAD"), append(logFiles("", id), "all.bin", "old.txt", "fresh/below/f.txt"))
	if l.read("all.bin") != oldContent+"two\nold\n" || l.read("old.txt") != "new\n" {
		t.Errorf("output %q", l.read("all.bin"))
	}
	l.in("", "finish", sub).want(t, 0)
	sameSet(t, "committed files", l.changed("HEAD"), []string{"deep/s.txt", "deep/log.txt", "deep/slurm-job-" + sub + ".env.json"})
	if r := l.recordOf("HEAD"); r.Pwd != "deep" {
		t.Errorf("pwd %q", r.Pwd)
	}
	l.Check()
	l.in("", "schedule", "-o", "x", "-a", alt+"/nosuch", "sbatch", "job.sh", "x").want(t, 1, "Alternative job directory", "doesn't exist")
}

// TestAltDirNewerFile: what the user changed meanwhile is not lost.
func TestAltDirNewerFile(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	alt := l.altDir()
	id := l.submit("", "-o", "a.txt", "-o", "b.txt", "-a", alt, "sbatch", "job.sh", "a.txt", "b.txt")
	other := l.write("other.txt")
	l.await(id, other)
	l.Write("a.txt", "by the user\n")
	now := time.Now().Add(5 * time.Second)
	if err := os.Chtimes(filepath.Join(l.Dir, "a.txt"), now, now); err != nil {
		t.Fatal(err)
	}
	l.in("", "finish").want(t, 1, "a.txt", "newer", "Slurm job "+other+": Completed")
	if l.read("a.txt") != "by the user\n" || !l.job(id).Open {
		t.Errorf("the newer file was overwritten, or the job is closed")
	}
	if err := os.Remove(filepath.Join(l.Dir, "a.txt")); err != nil {
		t.Fatal(err)
	}
	l.in("", "finish").want(t, 0)
	if l.read("a.txt") != "made for a.txt\n" {
		t.Errorf("output %q", l.read("a.txt"))
	}
	l.Check()
}
