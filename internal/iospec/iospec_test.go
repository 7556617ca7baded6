package iospec

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/errs"
	"pgregory.net/rapid"
)

// tree makes files (and directories, with a trailing slash) and returns the
// absolute directory g1 that holds them.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(root, "g1")
	for _, name := range names {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(p, 0o755)
		} else {
			err = os.WriteFile(p, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestGlobTable is the table of DataLad's behaviour that users see.
func TestGlobTable(t *testing.T) {
	root := tree(t, "d/a.dat", "d/b.dat", "d/e/c.dat", "s p/x y", "top")
	for _, c := range []struct{ pattern, expanded, command string }{
		{"./top", "./top", "./top"},
		{"d/*", "d/a.dat d/b.dat d/e", "d/a.dat d/b.dat d/e"},
		{"d/**", "d/ d/a.dat d/b.dat d/e d/e/c.dat", "d/ d/a.dat d/b.dat d/e d/e/c.dat"},
		{"d/**/*.dat", "d/a.dat d/b.dat d/e/c.dat", "d/a.dat d/b.dat d/e/c.dat"},
		{"d/", "d/", "d/"},
		{root + "/top", "top", "top"},
		{"../g1/top", "top", "top"},
		{".", ".", ""},
		{"s p/*", "s p/x y", "'s p/x y'"},
		{"nope*", "nope*", "'nope*'"},
		{"[t]op", "top", "top"},
		{"nope/**", "nope/**", "'nope/**'"},
		{"top/**", "top/**", "'top/**'"},
	} {
		in := New([]string{c.pattern}, root).Expand()
		if got := strings.Join(in, " "); got != c.expanded {
			t.Errorf("%s expands to %q, want %q", c.pattern, got, c.expanded)
		}
		if got, err := ExpandCommand("{inputs}", Values{Inputs: in}); err != nil || got != c.command {
			t.Errorf("%s in a command: %q, %v; want %q", c.pattern, got, err, c.command)
		}
	}
}

func TestPlaceholderTable(t *testing.T) {
	root := tree(t, "d/a.dat", "d/b.dat", "s p/x y", "in1.txt", "in 2.txt", "out.txt", "out2.txt")
	v := Values{
		Pwd: root + "/d", DSPath: root, Substitutions: map[string]string{"name": "joe", "inputs": "never"},
		Inputs:  New([]string{"d/a.dat", "d/b.dat"}, root).Expand(),
		Outputs: New([]string{"s p/x y"}, root).Expand(),
	}
	for cmd, want := range map[string]string{
		"{name} {inputs[1]} {outputs[0]} {inputs} {{x}} ${{HOME}}": "joe d/b.dat 's p/x y' d/a.dat d/b.dat {x} ${HOME}",
		"cat {inputs} > q; echo {pwd} {dspath} > w":                "cat d/a.dat d/b.dat > q; echo " + root + "/d " + root + " > w",
	} {
		if got, err := ExpandCommand(cmd, v); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", cmd, got, err, want)
		}
	}
	in := New([]string{"in1.txt", "in*.txt"}, root)
	if got, _ := ExpandCommand("cat {inputs} > new.dat", Values{Inputs: in.Expand()}); got != "cat in1.txt 'in 2.txt' in1.txt > new.dat" {
		t.Errorf("command = %q", got)
	}
	out := New([]string{"o*.txt", "new2.dat"}, root)
	if got := strings.Join(out.Expand(), "|"); got != "out.txt|out2.txt|new2.dat" {
		t.Errorf("outputs = %q", got)
	}
	if got := strings.Join(out.ExpandStrict(), "|"); got != "out.txt|out2.txt" {
		t.Errorf("strict outputs = %q", got)
	}
}

func TestRefreshSeesNewFiles(t *testing.T) {
	root := tree(t, "a.out")
	g := New([]string{"*.out"}, root)
	if len(g.Expand()) != 1 {
		t.Fatal(g.Expand())
	}
	if err := os.WriteFile(root+"/b.out", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if len(g.Expand()) != 1 {
		t.Error("read again without being asked")
	}
	g.Refresh()
	if len(g.Expand()) != 2 {
		t.Error("the new file is not seen")
	}
}

func TestSearchEnds(t *testing.T) {
	root := tree(t, "a/b/c/f", "x/")
	for link, target := range map[string]string{"a/b/c/up": "../../..", "a/b/self": ".", "x/other": "../a", "a/other": "../x"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	g := New([]string{"**/f"}, root)
	if got := g.Expand(); len(got) == 0 || len(got) > 20 || g.Err() != nil {
		t.Errorf("found %q, %v", got, g.Err())
	}
	w := walker{files: disk{}, root: root, left: 3, text: maxText}
	w.glob("**")
	if w.left >= 0 {
		t.Error("the bound does not hold")
	}
	for _, pattern := range []string{strings.Repeat("**/", 3000) + "f", strings.Repeat("*/../", 3000) + "f"} {
		w := walker{files: disk{}, root: root, left: maxEntries, text: 1 << 20}
		if w.find(pattern, root); w.left >= 0 {
			t.Errorf("%.20q: the bound does not hold", pattern)
		}
	}
	if gone := New([]string{"*", "x"}, root+"/gone"); len(gone.Misses()) != 2 {
		t.Errorf("misses in a missing directory: %q", gone.Misses())
	}
}

func TestTmpDirIsMadeOnDemand(t *testing.T) {
	calls := 0
	v := Values{TmpDir: func() (string, error) { calls++; return "/tmp/t", nil }}
	if _, err := ExpandCommand("echo {{tmpdir}}", v); err != nil || calls != 0 {
		t.Errorf("%d calls, %v", calls, err)
	}
	if got, err := ExpandCommand("{tmpdir} {tmpdir}", v); err != nil || got != "/tmp/t /tmp/t" || calls != 1 {
		t.Errorf("%q, %d calls, %v", got, calls, err)
	}
	boom := errors.New("disk full")
	v.TmpDir = func() (string, error) { return "", boom }
	if _, err := ExpandCommand("{tmpdir}", v); !errors.Is(err, boom) {
		t.Errorf("error = %v", err)
	}
}

func TestErrorsHaveDataLadsWords(t *testing.T) {
	for cmd, want := range map[string]string{
		"{nokey}":        "command has an unrecognized placeholder: 'nokey'",
		"{tmpdir}":       "command has an unrecognized placeholder: 'tmpdir'",
		"{inputs[3]}":    "command cannot be expanded: list index out of range",
		"{}":             "command cannot be expanded: tuple index out of range",
		"a{b":            "command cannot be expanded: expected '}' before end of string",
		"awk '{ x; }'":   "command has an unrecognized placeholder: ' x; '",
		"{pwd.__init__}": "command cannot be expanded: 'str' object has no attribute '__init__'",
	} {
		_, err := ExpandCommand(cmd, Values{})
		if err == nil || err.Error() != want || errs.Hint(err) == "" {
			t.Errorf("%s: %v (hint %q); want %s", cmd, err, errs.Hint(err), want)
		}
	}
	_, err := ExpandSpecs([]string{"{foo}"}, SpecValues{})
	if want := "input/output specification has an unrecognized placeholder: 'foo'"; err == nil || err.Error() != want {
		t.Errorf("error = %v", err)
	}
}

// shellWords returns the arguments that the shell makes of a command.
func shellWords(t testing.TB, cmd string) []string {
	t.Helper()
	out, err := exec.Command("/bin/sh", "-c", "words() { printf '%s\\0' \"$@\"; }; words "+cmd).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", cmd, err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// TestPathsReachTheProgram runs the expanded commands: a path must arrive
// unchanged, whatever quotes surround its placeholder.
func TestPathsReachTheProgram(t *testing.T) {
	check := func(t testing.TB, p string) {
		t.Helper()
		v := Values{Inputs: []string{p}}
		for _, c := range []struct{ cmd, want string }{
			{"{inputs}", p}, {"'{inputs}'", p}, {`"{inputs}"`, p}, {"'--in={inputs[0]}'", "--in=" + p}, {`x"{inputs}"y`, "x" + p + "y"},
			{"don\\'t{inputs}", "don't" + p}, {`"it's "{inputs}`, "it's " + p},
		} {
			cmd, err := ExpandCommand(c.cmd, v)
			if err != nil {
				t.Fatal(err)
			}
			if got := shellWords(t, cmd); len(got) != 1 || got[0] != c.want {
				t.Errorf("%s with %q became %s, and the shell sees %q", c.cmd, p, cmd, got)
			}
		}
		cmd, err := ExpandCommand("sh -c 'printf %s {inputs}; true'", v)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("/bin/sh", "-c", cmd).CombinedOutput()
		if err != nil || string(out) != p {
			t.Errorf("for %q %s printed %q, %v", p, cmd, out, err)
		}
	}
	for _, p := range []string{"x y", "a", "it's", `a"b`, "$HOME", "`x`", `back\slash`, "ü", "ü x", "\xff", "new\nline", "*", "a;b", "~", "#", "{a,b}", "!"} {
		check(t, p)
	}
	gen := rapid.StringOfN(rapid.RuneFrom([]rune("ab '\"$\\`*;&é\n{}")), 1, 6, -1)
	for seed := range 10 {
		check(t, gen.Example(seed))
	}
}

func TestListForm(t *testing.T) {
	v := Values{Inputs: []string{"x y", "z"}}
	for cmd, want := range map[string]string{
		"cat '{inputs}'":                   "cat 'x y z'",                 // one word, as documented
		"cat '{inputs[0]}'":                "cat 'x y'",                   // DataLad: cat ''x y''
		"sh -c 'cat {inputs}'":             `sh -c 'cat '"'"'x y'"'"' z'`, // DataLad: sh -c 'cat 'x y' z'
		`bash -c "cat {inputs}"`:           `bash -c "cat 'x y' z"`,       // as DataLad
		`echo "$(cat {inputs})"`:           `echo "$(cat 'x y' z)"`,       // as DataLad
		"echo don't {inputs}":              "echo don't 'x y' z",          // quotes do not close: as DataLad
		"sh -c 'x \"$@\"' x '{inputs[1]}'": "sh -c 'x \"$@\"' x 'z'",
	} {
		if got, err := ExpandCommand(cmd, v); err != nil || got != want {
			t.Errorf("%s = %s, %v; want %s", cmd, got, err, want)
		}
	}
}

func FuzzExpandCommand(f *testing.F) {
	for _, s := range []string{"cat {inputs} > {outputs[0]}", "sh -c '{inputs}'", `"{inputs"`, "'", `\`, "{{}} {name:>{name}}", "{pwd[0]!r}"} {
		f.Add(s, "x y")
	}
	f.Fuzz(func(t *testing.T, cmd, path string) {
		v := Values{Inputs: []string{path}, Outputs: []string{path, "."}, Substitutions: map[string]string{"name": path}}
		out, err := ExpandCommand(cmd, v)
		if err == nil && !strings.ContainsAny(cmd, "{}") && out != cmd {
			t.Fatalf("%q became %q", cmd, out)
		}
		_, _ = ExpandSpecs([]string{cmd, path}, SpecValues{Inputs: []string{path}})
	})
}

func FuzzPatterns(f *testing.F) {
	for _, s := range []string{"d/**/[!a]*", "[", "[]", "[!]", "[a--b]", "../*", "**/", "a**", "\xff*", "/", "//", "./.", "[z-a]"} {
		f.Add(s)
	}
	root, err := filepath.EvalSymlinks(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	for _, d := range []string{"d/e", "[a]", ".h"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, pattern string) {
		if strings.Contains(pattern, "..") || strings.HasPrefix(pattern, "/") {
			subPatterns(pattern) // stay in the test's own folder
			return
		}
		g := New([]string{pattern}, root)
		for _, p := range g.ExpandStrict() {
			if _, err := os.Lstat(root + "/" + p); err != nil {
				t.Errorf("%q matches %q: %v", pattern, p, err)
			}
		}
		if len(g.Misses()) > 1 {
			t.Error("more misses than patterns")
		}
	})
}
