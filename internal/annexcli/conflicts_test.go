package annexcli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// conflictsInto makes two clones, x and y, of which each changes the same files
// in another way. change NAME TEXT adds a version of a file.
const conflictsInto = `change() { rm -rf "$1"; mkdir -p "$(dirname "$1")"; echo "$2" > "$1"; git annex add -q "$1"; }
git init -q r; cd r; git annex init -q r
for f in locked unlocked mixed gone goneunlocked zgone folder "sub/a b.tar.gz" sub/v.variant-abcd plain; do change "$f" "base $f"; done
git annex unlock -q unlocked goneunlocked; git commit -qm base; cd ..
git clone -q --bare r hub.git
for k in x y; do git clone -q -o hub hub.git $k; done`

const (
	changeInX = `cd x; git annex init -q x; change locked x; echo x > unlocked; change mixed x; git rm -q gone goneunlocked; change zgone x2
git rm -q folder; change folder/in x3; change added x; change same same; change sameunlocked same2; git annex unlock -q sameunlocked
change "sub/a b.tar.gz" x4; change sub/v.variant-abcd x5; git commit -qam x`
	changeInY = `cd y; git annex init -q y; change locked y; echo y > unlocked; change mixed y; git annex unlock -q mixed; change gone y1; echo y6 > goneunlocked
git rm -q zgone; change folder y3; change added y; change same same; change sameunlocked same2
change "sub/a b.tar.gz" y4; change sub/v.variant-abcd y5; git commit -qam y`
)

// Whichever of the two programs is in either clone, both get the same files,
// with nothing lost.
func TestClonesAgreeOnConflictsLikeGitAnnex(t *testing.T) {
	if _, err := exec.LookPath("git-annex"); err != nil || os.Getenv("STEMMA_ORACLES") == "none" {
		if os.Getenv("CI") != "" {
			t.Fatal("there is no git-annex; run scripts/oracles")
		}
		t.Skip("git-annex is not asked")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	faces := t.TempDir()
	if err := os.Symlink(self, filepath.Join(faces, "git-annex")); err != nil {
		t.Fatal(err)
	}
	real, ours := "", faces+":"
	want := conflictsOf(t, real, real)
	if n := strings.Count(strings.Join(want, "\n"), ".variant-"); n < 15 {
		t.Fatalf("git-annex has made %d variants:\n%s", n, strings.Join(want, "\n"))
	}
	for _, c := range []struct{ name, x, y string }{{"ours", ours, ours}, {"ours and git-annex", ours, real}, {"git-annex and ours", real, ours}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(want, conflictsOf(t, c.x, c.y)); d != "" {
				t.Error(d)
			}
		})
	}
}

// conflictsOf synchronises clones that have conflicts, each by a program, and
// returns what files there are in the end.
func conflictsOf(t *testing.T, x, y string) []string {
	w := newWorld(t, "")
	in := func(path, step string) []string {
		t.Helper()
		w.path = path
		out := w.run("set -e\n" + step)
		if out[0] != "<nil>" {
			t.Fatalf("%s: %v\n%s", step, out, w.complaint)
		}
		return texts(out[1:])
	}
	helper, _, _ := strings.Cut(conflictsInto, "\n")
	in("", conflictsInto)
	in(x, helper+"\n"+changeInX)
	in(y, helper+"\n"+changeInY)
	for range 2 {
		in(x, "cd x; git annex sync --content -q")
		in(y, "cd y; git annex sync --content -q")
	}
	const look = `git fsck --strict --no-dangling --no-progress; git annex fsck -q; git status --porcelain
git ls-tree -r HEAD; for f in $(git ls-files | tr ' ' '?'); do echo $f $(cat $f); done; git log --format=%s`
	ofX, ofY := in(x, "cd x\n"+look), in(y, "cd y\n"+look)
	if d := cmp.Diff(ofX, ofY); d != "" {
		t.Errorf("the clones differ: %s", d)
	}
	return ofX
}

func texts(lines []any) []string {
	var all []string
	for _, l := range lines {
		all = append(all, fmt.Sprint(l))
	}
	return all
}
