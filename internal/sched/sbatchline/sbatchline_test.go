package sbatchline

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadSbatchLine(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\n#SBATCH -d afterany:7 # why\n# a comment\n#SBATCH --array=1-3\n\necho\n#SBATCH --dependency=afterok:9\n"
	must(t, os.WriteFile(filepath.Join(dir, "job.sh"), []byte(script), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "plain.sh"), []byte("#!/bin/sh\necho\n"), 0o644))
	for _, c := range []struct{ line, dependency, array, with, err string }{
		{"sbatch job.sh", "afterany:7", "1-3", "sbatch X job.sh", ""},
		{"sbatch --mem 3 -n 4 plain.sh a b", "-", "-", "sbatch --mem 3 -n 4 X plain.sh a b", ""},
		{"sbatch -d afterok:1 -a0-3%2 'plain.sh'", "afterok:1", "0-3%2", "sbatch -d afterok:1 -a0-3%2 X 'plain.sh'", ""},
		{"sbatch --depend=singleton --arr 5 job.sh", "singleton", "5", "sbatch --depend=singleton --arr 5 X job.sh", ""},
		{"sbatch --wrap 'echo $HOME > x; y' --parsable", "-", "-", "sbatch --wrap 'echo $HOME > x; y' --parsable X", ""},
		{"/usr/bin/sbatch -H -- plain.sh", "-", "-", "/usr/bin/sbatch -H X -- plain.sh", ""},
		{"sbatch \"pl\"ain.sh --dependency=afterok:4", "-", "-", "sbatch X \"pl\"ain.sh --dependency=afterok:4", ""},
		{`sbatch -J a\ b plain.sh`, "-", "-", `sbatch -J a\ b X plain.sh`, ""},
		{"sbatch plain.sh; echo", "", "", "", "operator"},
		{"sbatch plain.sh && echo", "", "", "", "operator"},
		{"sbatch plain.sh > log", "", "", "", "operator"},
		{"sbatch plain.sh # why", "", "", "", "operator"},
		{"sbatch plain.sh $X", "", "", "", "substitution"},
		{"sbatch \"$X\"", "", "", "", "substitution"},
		{"sbatch `x`", "", "", "", "substitution"},
		{"X=1 sbatch plain.sh", "", "", "", "first word"},
		{"sh sub.sh", "", "", "", "first word"},
		{"sbatch", "", "", "", "no job script"},
		{"sbatch gone.sh", "", "", "", "no file"},
		{"sbatch a : plain.sh", "", "", "", "heterogeneous"},
		{"sbatch 'x", "", "", "", "quote"},
		{"", "", "", "", "first word"},
	} {
		l, err := Read(dir, c.line)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want one with %q", err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.line, err)
			continue
		}
		show := func(s *string) string {
			if s == nil {
				return "-"
			}
			return *s
		}
		if show(l.Options.Dependency) != c.dependency || show(l.Options.Array) != c.array || l.With("X") != c.with {
			t.Errorf("%s: dependency %s, array %s, %s", c.line, show(l.Options.Dependency), show(l.Options.Array), l.With("X"))
		}
	}
}

func FuzzSbatchLine(f *testing.F) {
	dir := f.TempDir()
	must(f, os.WriteFile(filepath.Join(dir, "s"), []byte("#!/bin/sh\n#SBATCH -d\n"), 0o644))
	for _, seed := range []string{"sbatch s", "sbatch -d", "sbatch --wrap 'x' -a", "sbatch \"a\\", "sbatch -- s", "sbatch --dependency s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		l, err := Read(dir, line)
		if err != nil {
			return
		}
		before, _ := plainWords(line)
		after, err := plainWords(l.With("--array=1"))
		if err != nil || len(after) != len(before)+1 {
			t.Errorf("%q: %q", line, l.With("--array=1"))
		}
	})
}
