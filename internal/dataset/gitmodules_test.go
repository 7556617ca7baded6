package dataset

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestModuleBlock has the block of DataLad's own writing.
func TestModuleBlock(t *testing.T) {
	m := Module{Name: "inputs/raw", Path: "inputs/raw", Properties: [][2]string{{"path", "inputs/raw"}, {"url", "./inputs/raw"}, {"datalad-id", "4b1a"}}}
	const want = "[submodule \"inputs/raw\"]\n\tpath = inputs/raw\n\turl = ./inputs/raw\n\tdatalad-id = 4b1a\n"
	if got := m.block(); got != want {
		t.Errorf("got %q", got)
	}
	list, err := parseModules(want)
	if diff := cmp.Diff([]Module{m}, list); diff != "" || err != nil {
		t.Errorf("parsed: %v %s", err, diff)
	}
}

func TestModuleBlocksSurvive(t *testing.T) {
	for _, name := range []string{"a b", "#1", "semi;colon", `quo"te`, `back\slash`, " lead", "trail ", "ünï", "a.b", "x]y"} {
		m := Module{Name: name, Path: name, Properties: [][2]string{{"path", name}, {"url", "./" + name}}}
		list, err := parseModules(m.block())
		if diff := cmp.Diff([]Module{m}, list); diff != "" || err != nil {
			t.Errorf("%q: %v %s", name, err, diff)
		}
		if rest, err := withoutModules("# kept\n"+m.block(), map[string]bool{name: true}); rest != "# kept\n" || err != nil {
			t.Errorf("%q removed: %q, %v", name, rest, err)
		}
	}
}

// What git ignores is no subdataset.
func TestSuspiciousModules(t *testing.T) {
	for name, want := range map[string]int{"../x": 0, "a/../b": 0, `a\..`: 0, "..": 0, "a..b": 1, "...": 1} {
		m := Module{Name: name, Path: "p", Properties: [][2]string{{"path", "p"}, {"url", "./p"}}}
		if list, err := parseModules(m.block()); len(list) != want || err != nil {
			t.Errorf("%q: %v %v", name, list, err)
		}
	}
	list, err := parseModules("[submodule \"a\"]\n\tpath = p\n\turl = -u./evil\n[submodule \"b\"]\n\tpath = -q\n")
	if err != nil || len(list) != 1 || list[0].Get("url") != "" || list[0].Path != "p" {
		t.Errorf("options: %v %v", list, err)
	}
}

func TestWithoutModules(t *testing.T) {
	block := func(name string) string { return section(name, [][2]string{{"path", name}, {"url", "./" + name}}) }
	text := "; mine\n" + block("a") + block("b") + block("a/c")
	got, err := withoutModules(text, map[string]bool{"b": true})
	if want := strings.Replace(text, block("b"), "", 1); got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err = withoutModules(block("a"), map[string]bool{"a": true}); got != "" || err != nil {
		t.Errorf("the last one: %q, %v", got, err)
	}
	if _, err = withoutModules("[submodule \"a", nil); err == nil {
		t.Error("a broken file was changed")
	}
}

func FuzzWithoutModules(f *testing.F) {
	f.Add("[submodule \"a\"]\n\tpath = a\n", "a")
	f.Add("[submodule \"a\\\"\"] path = x ; y\n[core]\n\tb\n", "x")
	f.Fuzz(func(t *testing.T, text, path string) {
		if _, err := parseModules(text); err != nil {
			return
		}
		rest, err := withoutModules(text, map[string]bool{path: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(rest) > len(text) {
			t.Errorf("%q grew to %q", text, rest)
		}
	})
}
