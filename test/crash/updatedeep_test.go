package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// An update of a dataset and its subdataset, each of which makes a merge commit,
// ends with both merged and the superdataset saved, wherever it was killed.
func TestRecursiveUpdateKilled(t *testing.T) {
	s := newStory(t)
	s.Run(s.Bin, "create", "-d", ".", "sub")
	sub := &story{Repo: &rig.Repo{World: s.World, T: t, Dir: filepath.Join(s.Dir, "sub")}}
	up := filepath.Join(s.Root, "up")
	s.Run("git", "-c", "protocol.file.allow=always", "clone", "-q", "--recurse-submodules", s.Dir, up)
	ups := map[*story]string{s: up, sub: filepath.Join(up, "sub")}
	for own, theirs := range ups {
		own.Git("remote", "add", "up", theirs)
		own.Git("config", "remote.up.annex-ignore", "true")
		own.Git("config", "core.hooksPath", "/dev/null")
	}
	s.Git("-C", ups[sub], "checkout", "-q", "-B", "main")
	update := []string{"update", "-r", "-s", "up", "--how", "merge"}
	next := func() {
		s.round++
		text := fmt.Sprint(s.round)
		for own, theirs := range ups {
			for i := range 5 {
				if err := os.WriteFile(filepath.Join(theirs, fmt.Sprintf("up%d.txt", i)), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s.Run("git", "-C", theirs, "add", "--", "up0.txt", "up1.txt", "up2.txt", "up3.txt", "up4.txt")
			s.Run("git", "-C", theirs, "commit", "-q", "-m", "theirs")
			own.Write("own.txt", text)
		}
		s.Save("-r", "-m", "own")
	}
	next()
	total := s.countSteps(update...)
	rnd := random(t)
	for _, n := range chosen(t, rnd, total, 3) {
		next()
		who := rig.Victims(rnd.IntN(3))
		s.killAt(n, who, update...)
		if who != rig.Main {
			s.removeGitLocks()
			sub.removeGitLocks()
		}
		s.repeatUnlocked(update...)
		s.CheckQuick()
		for own := range ups {
			if n := own.Git("rev-list", "--merges", "--count", "HEAD"); n != fmt.Sprint(s.round) {
				t.Fatalf("round %d: %s merges in %s\n%s", s.round, n, own.Dir, own.Git("log", "--graph", "--oneline", "-8"))
			}
			if text, err := os.ReadFile(filepath.Join(own.Dir, "up4.txt")); err != nil || string(text) != fmt.Sprint(s.round) {
				t.Fatalf("round %d: %s has %q, %v", s.round, own.Dir, text, err)
			}
		}
	}
	s.Check()
}
