package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// Between the move of the branch and that of the index, a `git commit` of the
// user would take the new files away again. Our index.lock keeps it out, and
// even a user who removes the locks, as git advises, loses nothing for good.
func TestKilledBetweenBranchAndIndex(t *testing.T) {
	for _, c := range []struct {
		name         string
		inside       bool // git itself dies while it moves the refs
		locksRemoved bool // by the user
	}{
		{"git dies as well", true, false},
		{"git is done", false, false},
		{"git dies as well, locks removed", true, true},
		{"git is done, lock removed", false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.change()
			before := s.commits()
			s.dieInTheWindow(c.inside)
			if out, err := s.Try("git", "commit", "-q", "--allow-empty", "-m", "by hand"); err == nil {
				t.Fatalf("a commit by hand was possible: %s", out)
			}
			if c.locksRemoved {
				os.Remove(filepath.Join(s.Dir, ".git", "index.lock"))
				os.Remove(filepath.Join(s.Dir, ".git", "HEAD.lock"))
				s.Git("commit", "-q", "--allow-empty", "-m", "by hand, without the locks")
			}
			s.repeat(s.Stemma("save", "-m", fmt.Sprintf("round %d", s.round)))
			s.verify()
			if made := s.commits() - before; !c.locksRemoved && made != 1 {
				t.Errorf("%d commits of one save", made)
			}
			s.Check()
		})
	}
}

// dieInTheWindow kills a save when the branch has moved and the index has not:
// while git still holds HEAD, or after it.
func (s *story) dieInTheWindow(inside bool) {
	s.T.Helper()
	git := func(name string) string { return filepath.Join(s.Dir, ".git", filepath.FromSlash(name)) }
	tip := s.Git("rev-parse", "HEAD")
	exists := func(name string) bool { _, err := os.Lstat(git(name)); return err == nil }
	now := func(int) bool {
		text, err := os.ReadFile(git("refs/heads/main"))
		return err == nil && string(text) != tip+"\n" && exists("index.lock") && exists("HEAD.lock") == inside
	}
	if _, ended, err := rig.KillWhen(s.Stemma("save", "-m", fmt.Sprintf("round %d", s.round)), now, rig.All); err != nil || ended {
		s.T.Fatalf("the moment did not come: %v", err)
	}
}
