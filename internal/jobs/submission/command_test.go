package submission

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// A line is run without a shell only where that makes no difference.
func TestDirectLine(t *testing.T) {
	bin, cwd := t.TempDir(), t.TempDir()
	show := "#!/bin/sh\nfor w in \"$0\" \"$PWD\" \"$@\"; do echo \"[$w]\"; done\n"
	if err := os.WriteFile(filepath.Join(bin, "sbatch"), []byte(show), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cwd, "a b"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/nowhere:" + bin + ":/usr/bin:/bin", "HOME=" + cwd}
	for text, direct := range map[string]bool{
		"sbatch": true, "sbatch  job.sh a/b_c-1 --mem=4G -n2 50%x,y:z": true, " sbatch x ": true,
		"sbatch *": false, "sbatch 'a b'": false, "sbatch ~": false, "sbatch $HOME": false, "sbatch x; true": false, "sbatch x # y": false,
		"sbatch x\nsbatch y": false, "sbatch x|cat": false, "sbatch é": false, "A=1 sbatch x": false, "./sbatch x": false, "echo sbatch": false,
		"sbatch x &": false, "sbatch {a,b}": false, "sbatch \\x": false, "sbatch x>y": false, "sbatch [a]": false, "sbatch !x": false, "": false,
	} {
		l := Line{Text: text, Dir: cwd, Env: env}
		cmd := l.direct()
		if (cmd != nil) != direct {
			t.Errorf("%q: direct %v", text, cmd != nil)
		}
		if cmd == nil {
			continue
		}
		run := func(cmd *exec.Cmd) string {
			cmd.Dir, cmd.Env = cwd, append(slices.Clone(env), "PWD="+cwd)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Error(err)
			}
			return string(out)
		}
		if a, b := run(cmd), run(l.shell()); a != b {
			t.Errorf("%q:\n%s\nby a shell\n%s", text, a, b)
		}
	}
	for _, env := range [][]string{
		{"PATH=" + bin, "BASH_FUNC_sbatch%%=() { true; }"}, {"PATH=.:" + bin}, {"PATH=" + cwd}, {"PATH="}, {},
	} {
		if cmd := (Line{Text: "sbatch x", Dir: cwd, Env: env}).direct(); cmd != nil {
			t.Errorf("%q: %v", env, cmd)
		}
	}
}
