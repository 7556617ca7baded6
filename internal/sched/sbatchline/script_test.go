package sbatchline

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindScript(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"job.sh", "a b.sh", "submit"} {
		must(t, os.WriteFile(filepath.Join(dir, f), nil, 0o644))
	}
	for line, want := range map[string]string{
		"sbatch job.sh": "job.sh", "sbatch -n4 -J job.sh 'a b.sh' x": "a b.sh", "sbatch --wrap 'job.sh'": "",
		"sbatch --parsable --time=1 job.sh > log": "job.sh", "cd .; /usr/bin/sbatch --hold job.sh": "job.sh",
		"./submit job.sh": "job.sh", "sbatch nope.sh job.sh": "", "echo job.sh | sbatch": "", `sbatch a\ b.sh`: "a b.sh",
		"": "", "sbatch": "", "sbatch -o": "",
	} {
		if got := FindScript(dir, line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

func FuzzShellWords(f *testing.F) {
	f.Add(`sbatch -J "a b" 'c' \d; x`)
	f.Fuzz(func(t *testing.T, line string) { firstCommand(ShellWords(line)) })
}
