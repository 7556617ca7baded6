package iospec

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

func TestGolden(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, string(text))
}

// TestLiveDataLad compares with the DataLad that is installed.
func TestLiveDataLad(t *testing.T) {
	cmd := exec.Command(dataladPython(t), "testdata/gen.py")
	cmd.Env = []string{"HOME=" + t.TempDir(), "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, string(out))
}

// dataladPython returns the interpreter that runs datalad.
func dataladPython(t *testing.T) string {
	t.Helper()
	name, err := exec.LookPath("datalad")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("datalad is needed: ", err)
		}
		t.Skip("no datalad: ", err)
	}
	script, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(script), "\n")
	return strings.Fields(strings.TrimPrefix(line, "#!"))[0]
}

type table map[string]any

func (g table) each(name string, f func(c map[string]any)) {
	for _, c := range g[name].([]any) {
		f(c.(map[string]any))
	}
}

// texts turns a JSON list into strings and fills in the root.
func texts(v any, root string) []string {
	out := []string{}
	list, _ := v.([]any)
	for _, s := range list {
		out = append(out, strings.ReplaceAll(s.(string), "@R@", root))
	}
	return out
}

func checkGolden(t *testing.T, text string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the tree has names that other systems refuse")
	}
	v, err := pyfmt.ParseJSON(text, 20)
	if err != nil {
		t.Fatal(err)
	}
	g := table(v.(map[string]any))
	root := g.build(t)
	g.each("globs", func(c map[string]any) { checkGlob(t, c, root) })
	g.each("fnmatch", func(c map[string]any) {
		var got []string
		for _, name := range texts(g["names"], "") {
			if compile(c["pattern"].(string)).match(name) {
				got = append(got, name)
			}
		}
		same(t, c["pattern"], got, texts(c["names"], ""))
	})
	subst := map[string]string{}
	for k, v := range g["substitutions"].(map[string]any) {
		subst[k] = v.(string)
	}
	g.each("commands", func(c map[string]any) { checkCommand(t, c, root, subst) })
	g.each("specs", func(c map[string]any) {
		got, err := ExpandSpecs(texts(c["specs"], ""), SpecValues{Inputs: []string{"i1", "i 2"}, Outputs: []string{"o"}, Substitutions: subst})
		checkError(t, c, err)
		same(t, c["specs"], got, texts(c["out"], ""))
	})
}

func (g table) build(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	try(err)
	for _, d := range texts(g["dirs"], "") {
		try(os.MkdirAll(filepath.Join(root, d), 0o755))
	}
	for _, f := range texts(g["files"], "") {
		try(os.WriteFile(filepath.Join(root, "g1", f), nil, 0o644))
	}
	for _, l := range g["links"].([]any) {
		l := texts(l, "")
		try(os.Symlink(l[1], filepath.Join(root, "g1", l[0])))
	}
	try(os.Symlink("g1/d", filepath.Join(root, "way")))
	return root
}

func checkGlob(t *testing.T, c map[string]any, root string) {
	t.Helper()
	pats, pwd := texts(c["patterns"], root), c["pwd"].(string)
	if len(pats) == 1 && (strings.HasPrefix(pats[0], "../../") || pats[0] == "/") {
		return // depends on what lies around the tree
	}
	g := New(pats, filepath.Join(root, pwd))
	what := pyfmt.Repr(pats) + " in " + pwd
	same(t, what+": paths", g.Paths(), texts(c["paths"], root))
	same(t, what+": expand", g.Expand(), texts(c["expand"], root))
	same(t, what+": strict", g.ExpandStrict(), texts(c["strict"], root))
	same(t, what+": misses", g.Misses(), texts(c["misses"], root))
	same(t, what+": partial", g.PartialHits(), texts(c["partial"], root))
	if g.Err() != nil {
		t.Error(what, g.Err())
	}
}

func checkCommand(t *testing.T, c map[string]any, root string, subst map[string]string) {
	t.Helper()
	pwd := root + "/g1"
	v := Values{
		Pwd: pwd, DSPath: pwd, Substitutions: subst, TmpDir: func() (string, error) { return "/tmp/run-x", nil },
		Inputs:  New(texts(c["inputs"], ""), pwd).Expand(),
		Outputs: New(texts(c["outputs"], ""), pwd).Expand(),
	}
	got, err := ExpandCommand(c["cmd"].(string), v)
	checkError(t, c, err)
	if want, ok := c["out"].(string); ok {
		same(t, c["cmd"], got, strings.ReplaceAll(want, "@R@", root))
	}
}

// checkError wants an error exactly where DataLad has one, with its words.
func checkError(t *testing.T, c map[string]any, err error) {
	t.Helper()
	text, failed := c["text"].(string)
	var pe *PlaceholderError
	switch {
	case err == nil && failed:
		t.Errorf("%v: no error, DataLad says %q", c, text)
	case err != nil && !failed:
		t.Errorf("%v: %v", c, err)
	case err != nil && (!errors.As(err, &pe) || !strings.HasSuffix(err.Error(), ": "+text)):
		t.Errorf("%v: error %q, DataLad says %q", c, err, text)
	}
}

func same(t *testing.T, what, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%v (- DataLad, + ours):\n%s", what, diff)
	}
}
