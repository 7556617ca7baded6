package iospec

import (
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFillIn(t *testing.T) {
	values := map[string]string{"n": "7", "name": "a b", "odd": "x{y}'z", "row": "3"}
	for _, c := range []struct {
		tmpl  string
		shell bool
		want  string
	}{
		{"out/{n}.txt", false, "out/7.txt"},
		{"out/{name}", false, "out/a b"},
		{"out/{odd}", false, "out/x{{y}}'z"},
		{"{n:0>3}-{row}", false, "007-3"},
		{"{{n}} {inputs[0]} {other!r:{n}}", false, "{{n}} {inputs[0]} {other!r:{n}}"},
		{"plain", false, "plain"},
		{"open {n", false, "open {n"},
		{"run {name} {n} > {outputs[0]}", true, "run 'a b' 7 > {outputs[0]}"},
		{"sbatch --wrap 'make {name} | sort'", true, `sbatch --wrap 'make '"'"'a b'"'"' | sort'`},
		{"sbatch '{name}'", true, "sbatch 'a b'"},
		{`sbatch "--x={name}"`, true, `sbatch "--x=a b"`},
	} {
		got, err := FillIn(c.tmpl, values, c.shell)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s, want %s (%v)", c.tmpl, got, c.want, err)
		}
	}
	if _, err := FillIn("{n:d}", values, false); err == nil {
		t.Error("a format for numbers was taken")
	}
}

// Whatever a value holds, the shell sees it as one word, also after the rest of
// the command is expanded.
func TestFillInReachesTheShell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.StringMatching(`[ -~\n]{0,12}`).Draw(t, "value")
		for _, tmpl := range []string{"printf %s {v}", "printf %s '{v}'", `printf %s "{v}"`} {
			cmd, err := FillIn(tmpl, map[string]string{"v": v}, true)
			if err == nil {
				cmd, err = ExpandCommand(cmd, Values{})
			}
			if err != nil {
				t.Fatalf("%s: %v", tmpl, err)
			}
			out, err := exec.Command("/bin/sh", "-c", cmd).Output()
			if err != nil || string(out) != v {
				t.Fatalf("%s: sh saw %q, want %q (%v)", strings.TrimSpace(cmd), out, v, err)
			}
		}
	})
}
