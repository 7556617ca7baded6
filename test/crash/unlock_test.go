package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// An unlock that is killed is completed by the same command.
func TestUnlockKilledAtEveryStep(t *testing.T) {
	rig.Need(t, "git-annex")
	s, rnd := newStory(t), random(t)
	var names, staged []string
	for i := range 4 {
		name := fmt.Sprintf("unlock/%d.bin", i)
		s.write(name, rig.Binary(name, 5000))
		names, staged = append(names, name), append(staged, "T  "+name)
	}
	s.Save("-m", "files")
	back := func() {
		s.T.Helper()
		found, _ := filepath.Glob(filepath.Join(s.Dir, ".git/*.lock"))
		for _, lock := range found { // as a user does after a writer of the index was killed
			os.Remove(lock)
		}
		s.Git("reset", "-q", "--hard")
	}
	s.Run(s.Bin, "unlock", "unlock") // the first makes more folders
	back()
	total := s.countSteps("unlock", "unlock")
	back()
	for _, n := range chosen(t, rnd, total, 6) {
		s.killAt(n, rig.Victims(rnd.IntN(3)), "unlock", "unlock")
		os.Remove(filepath.Join(s.Dir, ".git/index.lock"))
		s.Run(s.Bin, "unlock", "unlock")
		if got, want := s.Git("status", "--porcelain"), strings.Join(staged, "\n"); got != want {
			t.Fatalf("killed at step %d of %d: %q, want %q", n, total, got, want)
		}
		for _, name := range names {
			if text, err := os.ReadFile(filepath.Join(s.Dir, name)); err != nil || string(text) != rig.Binary(name, 5000) {
				t.Fatalf("killed at step %d of %d: %s: %v", n, total, name, err)
			}
		}
		back()
	}
}
