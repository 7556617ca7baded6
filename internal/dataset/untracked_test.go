package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/gitindex"
)

// TestUntrackedAsGit disturbs random work trees and compares what counting
// names finds with the list of git.
func TestUntrackedAsGit(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	d := newDataset(t)
	names := []string{"a", "b", "c", "a-b", "x.log", "y.log", "A", "ü"}
	random := func() string {
		p := names[rnd.IntN(len(names))]
		for range rnd.IntN(4) {
			p = path.Join(p, names[rnd.IntN(len(names))])
		}
		return p
	}
	put := func(rel string) {
		if os.MkdirAll(filepath.Dir(d.Repo.Path(rel)), 0o755) == nil {
			os.WriteFile(d.Repo.Path(rel), []byte(rel), 0o644)
		}
	}
	quiet, asked := 0, 0
	rounds := 25
	if os.Getenv("STEMMA_SOAK") != "" {
		rounds = 500
	}
	for round := range rounds {
		d.gitOut(t, "clean", "-qffdx")
		d.gitOut(t, "rm", "-rfq", "--cached", "--ignore-unmatch", ".")
		d.gitOut(t, "clean", "-qffdx")
		if round%3 == 0 {
			os.WriteFile(d.Repo.Path(".gitignore"), []byte("*.log\n!a/x.log\n/c/\n"), 0o644)
		}
		for range 25 {
			put(random())
		}
		d.gitOut(t, "add", "-f", ".")
		for range rnd.IntN(6) {
			at := d.Repo.Path(random())
			switch rnd.IntN(7) {
			case 0:
				os.RemoveAll(at)
			case 1:
				os.Rename(at, d.Repo.Path(random()))
			case 2: // a link to a folder takes the place of what was there
				os.RemoveAll(at)
				os.Symlink(d.Repo.Path("a"), at)
			case 3:
				os.MkdirAll(at, 0o755)
			case 4:
				os.RemoveAll(at)
				put(relative(t, d, at) + "/new")
			case 5:
				d.gitOut(t, "rm", "-rfq", "--cached", "--ignore-unmatch", relative(t, d, at))
			default:
				put(random())
			}
		}
		index, err := d.Repo.ReadIndex()
		if err != nil {
			t.Fatal(err)
		}
		for _, all := range []bool{false, true} {
			scope := Scope{AllUntracked: all}
			n := compareUntracked(t, d, index, scope, fmt.Sprintf("round %d of seed %d, all %v", round, seed, all))
			if n == 0 {
				quiet++
			} else {
				asked++
			}
		}
	}
	if quiet == 0 || asked == 0 {
		t.Errorf("git was asked %d times, and not asked %d times: both must happen", asked, quiet)
	}
}

// compareUntracked returns how many unknown paths git was asked about.
func compareUntracked(t *testing.T, d *Dataset, index *gitindex.File, scope Scope, what string) int {
	t.Helper()
	want, err := d.untracked(t.Context(), scope, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, unknown, err := d.wholeTree(t.Context(), index, scope)
	if err != nil {
		t.Fatal(err)
	}
	l := &look{d: d, index: index, scope: scope}
	if err := l.wholeTree(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(want)+len(l.untracked) > 0 && !reflect.DeepEqual(l.untracked, want) {
		t.Fatalf("%s: untracked %v\ngit says %v\nunknown %v\n%s\n%s", what, l.untracked, want, unknown, d.gitOut(t, "ls-files"), d.gitOut(t, "status", "--porcelain", "-uall"))
	}
	return len(unknown)
}

func relative(t *testing.T, d *Dataset, path string) string {
	t.Helper()
	rel, err := filepath.Rel(d.Path(), path)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}
