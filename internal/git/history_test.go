package git

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// FuzzReadChanges: whatever diff-tree says, nothing is reported for a commit
// that was not asked for.
func FuzzReadChanges(f *testing.F) {
	a, b := strings.Repeat("a", 40), strings.Repeat("b", 40)
	zero := strings.Repeat("0", 40)
	f.Add(a + "\x00:100644 100644 " + zero + " " + b + " A\x00x/y.log\x00" + b + "\x00")
	f.Add(a + "\x00:120000 100644 " + b + " " + zero + " D\x00\n\x00")
	f.Add(":100644 100644 " + zero + " " + b + " A\x00x\x00")
	f.Add(b + "\x00")
	f.Fuzz(func(t *testing.T, text string) {
		commits := []Commit{{ID: gitobj.OID(a), Parents: []gitobj.OID{gitobj.OID(b), gitobj.OID(zero)}}, {ID: gitobj.OID(b)}}
		_ = readChanges(bufio.NewReader(strings.NewReader(text)), commits, func(at, parent int, c PathChange) error {
			if at < 0 || at >= len(commits) || parent < 0 || parent > len(commits[at].Parents) {
				t.Errorf("commit %d, parent %d", at, parent)
			}
			return nil
		})
	})
}

func FuzzParseLogLine(f *testing.F) {
	f.Add(strings.Repeat("a", 40) + " " + strings.Repeat("b", 40) + "|12")
	f.Add("|")
	f.Add("x|-1")
	f.Fuzz(func(t *testing.T, line string) {
		if c, err := parseLogLine(line); err == nil && strings.ContainsAny(string(c.ID), "|\n") {
			t.Errorf("%q: %v", line, c)
		}
	})
}

// TestChangesNameTheParent: of a merge each parent is compared.
func TestChangesNameTheParent(t *testing.T) {
	r, env := newRepo(t)
	write := func(name, text string) {
		if err := os.WriteFile(r.Path(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		runGit(t, r.WorkTree, env, "add", ".")
		runGit(t, r.WorkTree, env, "commit", "-q", "-m", name)
	}
	write("base", "0")
	runGit(t, r.WorkTree, env, "checkout", "-q", "-b", "side")
	write("a b", "1")
	runGit(t, r.WorkTree, env, "checkout", "-q", "-")
	write("c", "2")
	runGit(t, r.WorkTree, env, "merge", "-q", "--no-edit", "side")
	commits, err := r.Log(t.Context(), "HEAD")
	if err != nil || len(commits) != 4 || len(commits[0].Parents) != 2 {
		t.Fatal(commits, err)
	}
	var got []string
	err = r.Changes(t.Context(), commits[:1], nil, func(at, parent int, c PathChange) error {
		got = append(got, fmt.Sprintf("%d %d %s %v %v", at, parent, c.Path, c.Old == "", c.New == ""))
		return nil
	})
	if want := []string{"0 0 a b true false", "0 1 c true false"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q %v, want %q", got, err, want)
	}
	if err := r.Changes(t.Context(), commits, []string{"base"}, func(at, _ int, c PathChange) error { got = []string{c.Path}; return nil }); err != nil || got[0] != "base" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := r.Log(t.Context(), "nosuch"); err == nil {
		t.Error("a tip that does not exist has a log")
	}
}
