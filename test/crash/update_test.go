package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// An update that only goes forward, or resets, and is killed at any moment and
// repeated brings the branch and all files to what the sibling has; the user has
// nothing to do but to remove the lock that a killed git has left.
func TestUpdateKilled(t *testing.T) {
	for _, how := range []string{"merge", "reset"} {
		t.Run(how, func(t *testing.T) { updateKilled(t, how) })
	}
}

func updateKilled(t *testing.T, how string) {
	s := newStory(t)
	up := filepath.Join(s.Root, "up")
	s.Run("git", "clone", "-q", s.Dir, up)
	s.Git("remote", "add", "up", up)
	s.Git("config", "remote.up.annex-ignore", "true")
	s.Git("config", "core.hooksPath", "/dev/null") // git-annex's is another matter
	update := []string{"update", "-s", "up", "--how", how}
	next := func() {
		s.round++
		for i := range 20 {
			name := fmt.Sprintf("up%02d.txt", i)
			s.want[name] = fmt.Sprintf("%d of round %d\n", i, s.round)
			if i%2 > 0 {
				delete(s.want, name)
				name = fmt.Sprintf("up%02d-%03d.txt", i, s.round)
				s.want[name] = name
			}
			if err := os.WriteFile(filepath.Join(up, name), []byte(s.want[name]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s.Run("git", "-C", up, "add", ".")
		s.Run("git", "-C", up, "commit", "-q", "-m", "more")
	}
	next()
	total := s.countSteps(update...)
	rnd := random(t)
	for _, n := range chosen(t, rnd, total, 3) {
		next()
		s.killAt(n, rig.Victims(rnd.IntN(3)), update...)
		s.repeatUnlocked(update...)
		s.verify()
		if out := s.Git("status", "--porcelain"); out != "" {
			t.Fatalf("round %d: %s", s.round, out)
		}
	}
	for i, moves := 0, s.movingSteps(next, update); i < 3; i++ {
		next()
		s.killMoving(1+rnd.IntN(moves), update...)
		s.repeatUnlocked(update...)
		s.verify()
	}
	s.Check()
}

// movingSteps counts how many steps git takes to bring the files here.
func (s *story) movingSteps(next func(), args []string) int {
	s.T.Helper()
	next()
	steps := s.killMoving(0, args...)
	if steps < 5 {
		s.T.Fatalf("git's way to the target has %d steps", steps)
	}
	return steps
}

// repeatUnlocked runs the command again, a few times while a git process may have
// outlived it, and then without the locks of killed ones.
func (s *story) repeatUnlocked(args ...string) {
	s.T.Helper()
	for range 3 {
		if _, err := s.Stemma(args...).CombinedOutput(); err == nil {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	s.removeGitLocks()
	s.repeat(s.Stemma(args...))
}
