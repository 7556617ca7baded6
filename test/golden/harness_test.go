package golden

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func writeCase(t *testing.T, script string) *Case {
	t.Helper()
	path := filepath.Join(t.TempDir(), "some-case.sh")
	if err := os.WriteFile(path, []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := LoadCase(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDirectives(t *testing.T) {
	c := writeCase(t, "# about failing\n# newer stdout: exit 1\\n$ => exit 3\\n$\n# newer ds/log: a => b\n# skip tree: it differs\ndatalad create ds\n# newer stdout: no => directive\n")
	recorded := Snapshot{"stdout": "exit 1\n$ x\nexit 1\n", "ds/log": "a a", "ds/tree": "t", "ds/status": ""}
	got, err := c.Expected(recorded)
	if err != nil {
		t.Fatal(err)
	}
	want := Snapshot{"stdout": "exit 3\n$ x\nexit 1\n", "ds/log": "b a", "ds/status": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, err := c.Expected(Snapshot{"stdout": "exit 0\n", "ds/log": "a"}); err == nil {
		t.Error("an expectation that applies nowhere was accepted")
	}
}

func TestBadDirectivesAreRefused(t *testing.T) {
	for _, line := range []string{"# newer stdout exit", "# newer stdout: exit 1", "# skip tree"} {
		path := filepath.Join(t.TempDir(), "x.sh")
		if err := os.WriteFile(path, []byte(line+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadCase(path); err == nil {
			t.Errorf("%q was accepted", line)
		}
	}
}

func TestCommands(t *testing.T) {
	c := writeCase(t, "datalad create ds\nx | datalad -f json run true\ndatalad --on-failure stop -C .. save -m x\ndatalad -c a=b create y\n")
	if diff := cmp.Diff([]string{"create", "run", "save"}, c.Commands()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAChangedScriptNeedsANewRecord(t *testing.T) {
	dir := t.TempDir()
	c := writeCase(t, "datalad create ds\n")
	if err := c.WriteGolden(dir, Snapshot{"stdout": "x\n", "ds/tree": ""}); err != nil {
		t.Fatal(err)
	}
	got, err := c.ReadGolden(dir)
	if diff := cmp.Diff(Snapshot{"stdout": "x\n", "ds/tree": ""}, got); err != nil || diff != "" {
		t.Errorf("err = %v\n%s", err, diff)
	}
	if _, err := writeCase(t, "# skip tree: a directive is no change\ndatalad create ds\n").ReadGolden(dir); err != nil {
		t.Error(err)
	}
	if _, err := writeCase(t, "datalad create other\n").ReadGolden(dir); err == nil {
		t.Error("the old record was accepted")
	}
}

// TestTheWorldShowsWhatAScriptLeft needs git and bash only: a stand-in answers
// to the name datalad.
func TestTheWorldShowsWhatAScriptLeft(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"got $*\"; pwd; exit 4\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, program)
	s, stderr, err := w.Run("git init -q ds; cd ds; echo 1 > f; git add f; git commit -qm first; datalad say 'a b'; git rev-parse --short HEAD; git rev-parse HEAD; ln -s f 'l l'\n")
	if err != nil {
		t.Fatal(err, stderr)
	}
	want := map[string]string{
		"stdout":      "$ datalad say a\\ b\ngot say a b\n/W/ds\nexit 4\n<ds#1 short>\n<ds#1>\n",
		"ds/tree":     "100644 blob d00491fd7e5bb6fa28c517a0bb32b8b506539d4d\tf\n",
		"ds/status":   "?? \"l l\"\n",
		"ds/worktree": "file 0644 2 \"f\"\nlink \"l l\" -> \"f\"\n",
		"ds/refs":     "HEAD refs/heads/master\nrefs/heads/master commit <ds#1>\n",
	}
	for name, text := range want {
		if diff := cmp.Diff(text, s[name]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	if wrong := w.Check(); len(wrong) > 0 {
		t.Errorf("check: %v", wrong)
	}
}
