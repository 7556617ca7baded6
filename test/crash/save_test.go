package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// A save that is killed at any moment and repeated commits everything once.
func TestSaveKilledAtRandomMoments(t *testing.T) {
	s := newStory(t)
	rnd := random(t)
	s.change()
	whole := rig.Duration(t, s.Stemma("save", "-m", "unkilled"))
	s.verify()
	killed, n := 0, rounds(t, 6)
	for i := range n {
		s.change()
		before := s.commits()
		who := rig.Victims(rnd.IntN(3))
		delay := time.Duration(float64(whole) * (float64(i) + rnd.Float64()) / float64(n))
		ended, err := rig.KillAfter(s.Stemma("save", "-m", fmt.Sprintf("round %d", s.round)), delay, who)
		if ended && err != nil {
			t.Fatalf("save: %v", err)
		}
		if !ended {
			killed++
		}
		s.afterSave(before, rnd.IntN(2) == 0)
	}
	t.Logf("%d of %d were killed on their way (%v unkilled)", killed, n, whole.Round(time.Millisecond))
	s.Check()
}

// afterSave repeats a killed save and checks what is there then.
func (s *story) afterSave(before int, meddle bool) {
	s.T.Helper()
	users := 0
	if meddle {
		users = s.meddle()
	}
	s.repeat(s.Stemma("save", "-m", fmt.Sprintf("round %d", s.round)))
	s.verify()
	if made := s.commits() - before - users; made != 1 {
		s.T.Fatalf("round %d: %d commits were made of one save\n%s", s.round, made, s.Git("log", "--oneline", "-5"))
	}
}

// Killed right before each step that others can see, one after the other.
func TestSaveKilledAtEveryStep(t *testing.T) {
	s := newStory(t)
	s.change()
	s.Save("-m", "the first makes more folders")
	s.change()
	total := s.countSteps("save", "-m", "unkilled")
	s.verify()
	rnd := random(t)
	for _, n := range chosen(t, rnd, total, 8) {
		s.change()
		before := s.commits()
		s.killAt(n, rig.Victims(rnd.IntN(3)), "save", "-m", fmt.Sprintf("round %d", s.round))
		s.afterSave(before, rnd.IntN(2) == 0)
	}
	s.Check()
}

// On an adjusted branch, what is saved also gets to the branch that it was made
// of, once and in its own form, whenever the first attempt was killed.
func TestSaveOnAdjustedBranchKilled(t *testing.T) {
	s := newStory(t)
	s.Run("git", "annex", "adjust", "--unlock")
	s.change()
	s.Save("-m", "unkilled")
	s.change()
	total := s.countSteps("save", "-m", "round 2")
	s.verify()
	rnd := random(t)
	for _, n := range chosen(t, rnd, total, 8) {
		s.change()
		s.killAt(n, rig.Victims(rnd.IntN(3)), "save", "-m", fmt.Sprintf("round %d", s.round))
		s.repeat(s.Stemma("save", "-m", fmt.Sprintf("round %d", s.round)))
		s.verify()
		if made := s.Git("log", "--format=%H", "--grep=^round "+fmt.Sprint(s.round)+"$", "main"); strings.Count(made, "\n") != 0 || made == "" {
			t.Fatalf("round %d: commits on main: %q", s.round, made)
		}
		if parent := s.Git("rev-parse", "HEAD~1"); parent != s.Git("rev-parse", "main") || parent != s.Git("rev-parse", "refs/basis/adjusted/main(unlocked)") {
			t.Fatalf("round %d: the adjusted branch is not on top of main", s.round)
		}
		if link := s.Git("ls-tree", "main", fmt.Sprintf("r%03d/data-1.bin", s.round)); !strings.HasPrefix(link, "120000") {
			t.Fatalf("round %d: %s", s.round, link)
		}
	}
	s.Check()
}

// killAt kills a command at its n-th step.
func (s *story) killAt(n int, who rig.Victims, args ...string) {
	s.T.Helper()
	seen, ended, err := rig.KillAt(s.Stemma(args...), n, who)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Logf("round %d: %s killed at step %d (%d seen, ended: %v)", s.round, who, n, seen, ended)
}

// countSteps runs a command without killing it.
func (s *story) countSteps(args ...string) int {
	s.T.Helper()
	total, ended, err := rig.KillAt(s.Stemma(args...), 0, rig.All)
	if err != nil {
		s.T.Fatal(err)
	}
	if !ended || total == 0 {
		s.T.Fatalf("the tracer saw %d steps", total)
	}
	return total
}

// chosen are the steps to kill at: half of them spread over the command, half
// near its end, where it publishes. Enough rounds hit every step.
func chosen(t *testing.T, rnd *rand.Rand, total, few int) []int {
	t.Helper()
	n := rounds(t, few)
	if n >= total {
		var list []int
		for len(list) < n {
			for _, step := range rnd.Perm(total) {
				list = append(list, step+1)
			}
		}
		return list[:n]
	}
	var list []int
	const tail = 60
	for i := range n {
		from, span := 1, total
		if i%2 == 1 && total > tail {
			from, span = total-tail, tail
		}
		list = append(list, from+(i*span+rnd.IntN(span))/n)
	}
	return list
}

// A user's edit in the very second in which the index was written shows in
// git's status, although neither size nor second differ.
func TestEditInTheSameSecondIsSeen(t *testing.T) {
	s := newStory(t)
	path := filepath.Join(s.Dir, "again.txt")
	for i := range 10 {
		s.write("again.txt", fmt.Sprintf("%05d\n", i))
		s.Save("again.txt")
		if err := os.WriteFile(path, fmt.Appendf(nil, "%05d\n", i+50000), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := s.Git("status", "--porcelain"); got != " M again.txt" {
			t.Fatalf("round %d: status %q", i, got)
		}
	}
}
