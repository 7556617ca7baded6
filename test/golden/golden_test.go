package golden

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "record anew what DataLad does")

const goldenDir = "testdata/golden"

// TestDataLadIsAsRecorded runs scripts with the real DataLad and compares with
// what was recorded: all with STEMMA_GOLDEN=live or -update, otherwise a sample
// that changes from day to day.
func TestDataLadIsAsRecorded(t *testing.T) {
	needs(t, "datalad", "git-annex")
	const share = 30 // one case in this many
	turn := time.Now().YearDay() % share
	for i, c := range cases(t) {
		if !*update && os.Getenv("STEMMA_GOLDEN") != "live" && i%share != turn {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			got, stderr := runIn(t, newWorld(t, ""), c)
			if *update {
				if err := c.WriteGolden(goldenDir, c.compared(got)); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, c.compared(recorded(t, c)), c.compared(got), stderr)
		})
	}
}

// TestStemmaDoesTheSame runs every script with Stemma under the name datalad.
func TestStemmaDoesTheSame(t *testing.T) {
	needs(t, "git-annex")
	program := build(t)
	for _, c := range cases(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			want, err := c.Expected(recorded(t, c))
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, program)
			got, stderr := runIn(t, w, c)
			compare(t, want, c.compared(got), stderr)
			for _, wrong := range w.Check() {
				t.Error(wrong)
			}
		})
	}
}

// TestEveryCaseIsRecorded needs no program: each script has its record, each
// record its script, and every expectation of the newer DataLad applies.
func TestEveryCaseIsRecorded(t *testing.T) {
	known := map[string]bool{}
	for _, c := range cases(t) {
		known[c.Name+".txtar"] = true
		if _, err := c.Expected(recorded(t, c)); err != nil {
			t.Error(err)
		}
		if len(c.Commands()) == 0 {
			t.Errorf("%s calls no datalad command", c.Name)
		}
	}
	entries, err := os.ReadDir(goldenDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !known[e.Name()] {
			t.Errorf("%s/%s belongs to no case", goldenDir, e.Name())
		}
	}
}

// TestDifferencesAreJustified: each row of the table has a case that shows it,
// and each case that differs has its row.
func TestDifferencesAreJustified(t *testing.T) {
	text, err := os.ReadFile("differences.md")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, c := range cases(t) {
		for _, row := range c.rows {
			used[row] = true
			if !strings.Contains(string(text), "\n| "+row+" |") {
				t.Errorf("%s: differences.md has no row %q", c.Name, row)
			}
		}
	}
	for _, line := range strings.Split(string(text), "\n")[8:] {
		cells := strings.Split(line, " | ")
		if row := strings.TrimPrefix(cells[0], "| "); len(cells) == 4 && row != "row" && !used[row] && !strings.Contains(line, "(normalise.go)") {
			t.Errorf("differences.md: no case shows %q", row)
		}
	}
}

func cases(t *testing.T) []*Case {
	t.Helper()
	paths, err := filepath.Glob("testdata/cases/*.sh")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases (%v)", err)
	}
	var all []*Case
	for _, path := range paths {
		c, err := LoadCase(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

func recorded(t *testing.T, c *Case) Snapshot {
	t.Helper()
	s, err := c.ReadGolden(goldenDir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(t *testing.T, program string) *World {
	t.Helper()
	// A short path of constant length: messages and log lines contain it, also
	// where they are cut.
	root := filepath.Join(os.TempDir(), fmt.Sprintf("golden%010d", rand.Uint32()))
	err := os.Mkdir(root, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, root) })
	root, err = filepath.EvalSymlinks(root)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWorld(root, program)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// remove deletes a folder with git-annex's read-only folders in it.
func remove(t *testing.T, dir string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
}

func runIn(t *testing.T, w *World, c *Case) (Snapshot, string) {
	t.Helper()
	s, stderr, err := w.Run(c.Script)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	return s, stderr
}

func compare(t *testing.T, want, got Snapshot, stderr string) {
	t.Helper()
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: not expected", name)
		}
	}
	for _, name := range sortedKeys(want) {
		if diff := cmp.Diff(strings.Split(want[name], "\n"), strings.Split(got[name], "\n")); diff != "" {
			t.Errorf("%s (-DataLad +here):\n%s", name, diff)
		}
	}
	if t.Failed() {
		t.Logf("standard error:\n%s", stderr)
	}
}

// needs ends the test where a program is missing: as a failure in CI.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err == nil && os.Getenv("STEMMA_ORACLES") != "none" {
			continue
		}
		missing(t, "there is no "+p+"; run scripts/oracles")
	}
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// build returns the program, built once for all tests, or the one that
// STEMMA_PROGRAM names.
func build(t *testing.T) string {
	t.Helper()
	if program := os.Getenv("STEMMA_PROGRAM"); program != "" {
		return program
	}
	if sources, _ := filepath.Glob("../../cmd/stemma/*.go"); len(sources) == 0 {
		t.Skip("the command line does not exist yet")
	}
	dir, err := filepath.Abs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "stemma")
	cmd := exec.Command("go", "build", "-o", program, "../../cmd/stemma")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
