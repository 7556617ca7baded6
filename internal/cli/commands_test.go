package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestCommandsAreListedUnderTheirNames(t *testing.T) {
	a := testApp()
	for _, l := range commands() {
		cmd := l.build(a)
		if names := append([]string{cmd.Name()}, cmd.Aliases...); !slices.Equal(names, strings.Fields(l.names)) {
			t.Errorf("%q is listed as %q", names, l.names)
		}
	}
}

func TestOneCommandIsBuiltToBeRun(t *testing.T) {
	for name, want := range map[string]int{"save": 1, "slurm-finish": 1, "": len(commands()), "help": len(commands()), "sav": len(commands())} {
		if n := len(testApp().root(name).Commands()); n != want {
			t.Errorf("%q: %d commands", name, n)
		}
	}
}
