package slurm

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Isolated jobs with the same outputs, an array and a job in a folder below,
// all at once; the work tree goes on meanwhile.
func TestIsolated(t *testing.T) {
	t.Parallel()
	l := newLab(t, shared)
	area := filepath.Join(l.Root, `stage "it's" $HOME`)
	l.Write("data/big.bin", oldContent)
	l.script("use.sh", "#!/bin/sh\n#SBATCH --output=logs/%j.out\nset -e\nwhile [ ! -e go ]; do sleep 0.1; done\ncat data/big.bin in.txt > all.bin\necho \"$1\" >> all.bin\n")
	l.Save("-m", "inputs")
	args := func(word string) []string {
		return []string{"-m", word, "-i", "data", "-i", "in.txt", "-o", "all.bin", "--isolated", area, "sbatch", "use.sh", word}
	}
	one, two := l.submit("", args("one")...), l.submit("", args("two")...)
	arr := l.submit("", "-o", "arr/{task}.txt", "--isolated", area, "sbatch", "--array=1-2", "arr.sh")
	deep := l.submit("deep", "-i", "../in.txt", "-o", "s.txt", "--isolated", "../"+"../"+filepath.Base(area), "sbatch", "--wrap", "cat ../in.txt > s.txt; ls .. > all.txt")
	l.c.awaitState(t, one, "RUNNING")
	l.Write("in.txt", "later\n")
	l.Save("-m", "the work goes on")
	folders, err := filepath.Glob(filepath.Join(l.Root, "stage*", "stemma-*"))
	if err != nil || len(folders) != 4 {
		t.Fatal(folders, err)
	}
	for _, f := range folders {
		if err := os.WriteFile(filepath.Join(f, "go"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l.await(one, two, arr, deep)
	l.in("", "finish").want(t, 0)
	for word, id := range map[string]string{"one": one, "two": two} {
		commit := l.Git("log", "--format=%H", "--grep=Slurm job "+id+":")
		sameSet(t, "committed files", l.changed(commit), []string{"all.bin", "logs/" + id + ".out", "logs/slurm-job-" + id + ".env.json"})
		l.Git("checkout", "-q", commit, "--", "all.bin")
		if got := l.read("all.bin"); got != oldContent+"input\n"+word+"\n" {
			t.Errorf("%s made %q", word, got)
		}
	}
	l.Git("checkout", "-q", "HEAD", "--", "all.bin")
	if l.read("deep/s.txt") != "input\n" || l.read("arr/2.txt") != "2\n" || l.read("in.txt") != "later\n" {
		t.Error("wrong results")
	}
	l.in("", "stage", "prune").want(t, 0, "removed ")
	if left, err := os.ReadDir(area); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	if out := l.Git("log", "-9", "--format=%B"); strings.Count(out, `"isolated": {`) != 5 {
		t.Error(out)
	}
	l.Check()
}
