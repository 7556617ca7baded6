package crash

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

const adjustedBranch = "adjusted/main(unlocked)"

// onTop checks that the adjusted branch is git-annex's commit on top of the
// original one, on which unlocked files are locked.
func (s *story) onTop(files ...string) {
	s.T.Helper()
	tip := s.Git("rev-parse", "main")
	if parent := s.Git("rev-parse", "HEAD^@"); parent != tip || s.Git("rev-parse", "refs/basis/"+adjustedBranch) != tip {
		s.T.Fatalf("round %d: the adjusted branch is not on top of main\n%s", s.round, s.Git("log", "--graph", "--oneline", "-8", "HEAD", "main"))
	}
	if message := s.Git("log", "-1", "--format=%s"); message != "git-annex adjusted branch" || s.Git("symbolic-ref", "--short", "HEAD") != adjustedBranch {
		s.T.Fatalf("round %d: the last commit is %q", s.round, message)
	}
	for _, name := range files {
		if link, file := s.Git("ls-tree", "main", name), s.Git("ls-tree", "HEAD", name); !strings.HasPrefix(link, "120000") || !strings.HasPrefix(file, "100644") {
			s.T.Fatalf("round %d: %s is %q on main, %q here", s.round, name, link, file)
		}
	}
}

// A finish on an adjusted branch that is killed at any moment and repeated
// commits each job once, here and on the branch that it was made of.
func TestFinishOnAdjustedBranchKilled(t *testing.T) {
	s := newJobStory(t)
	s.Run("git", "annex", "adjust", "--unlock")
	rnd := random(t)
	s.batch(2)
	total := s.countSteps("finish")
	s.afterFinish("")
	for _, n := range chosen(t, rnd, total, 4) {
		s.round++
		s.batch(1)
		s.killAt(n, rig.Victims(rnd.IntN(3)), "finish")
		if rnd.IntN(3) == 0 {
			s.meddle()
		}
		s.repeat(s.Stemma("finish"))
		s.afterFinish("")
		s.onTop(fmt.Sprintf("job%03d/out.bin", s.jobs))
	}
	s.Check()
}

// An update of an adjusted branch that is killed at any moment and repeated
// merges what the sibling has, once, and loses nothing.
func TestUpdateOfAdjustedBranchKilled(t *testing.T) {
	s := newStory(t)
	s.Run("git", "annex", "adjust", "--unlock")
	up := filepath.Join(s.Root, "up")
	s.Run("git", "clone", "-q", s.Dir, up)
	s.Git("remote", "add", "up", up)
	s.Git("config", "remote.up.annex-ignore", "true")
	update := []string{"update", "-s", "up", "--how", "merge"}
	next := func() (name string) {
		s.round++
		name = fmt.Sprintf("up%03d.txt", s.round)
		s.Run("git", "-C", up, "pull", "-q", "--no-edit", "--no-rebase", "origin", "main")
		if err := os.WriteFile(filepath.Join(up, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		s.Run("git", "-C", up, "add", name)
		s.Run("git", "-C", up, "commit", "-q", "-m", name)
		s.want[name] = name
		own := fmt.Sprintf("own%03d.bin", s.round)
		s.write(own, rig.Binary(own, 3000))
		s.Save("-m", own)
		return own
	}
	s.Run("git", "-C", up, "checkout", "-q", "-B", "main", "origin/main")
	next()
	total := s.countSteps(update...)
	rnd := random(t)
	for _, n := range chosen(t, rnd, total, 6) {
		own := next()
		s.killAt(n, rig.Victims(rnd.IntN(3)), update...)
		s.repeatAfterGit(update...)
		s.verify()
		s.onTop(own)
		if made := s.Git("log", "--format=%s", "--grep=^"+own+"$", "main"); made != own {
			t.Fatalf("round %d: commits on main: %q", s.round, made)
		}
	}
	s.Check()
}

// Whoever saves after a killed `annex adjust` commits nothing: the files of the
// branch are back, or those of the adjusted branch are there.
func TestSaveAfterAdjustKilled(t *testing.T) {
	s := newStory(t)
	s.write("one.bin", rig.Binary("one", 3000))
	s.write("two.bin", rig.Binary("two", 4000))
	s.write("three.txt", "text")
	s.Save()
	s.Git("config", "core.hooksPath", "/dev/null") // git-annex's fills files, which is another matter
	tip := s.Git("rev-parse", "main")
	adjust := []string{"annex", "adjust", "--unlock"}
	back := func() {
		s.Git("checkout", "-q", "main")
		s.Git("branch", "-q", "-D", adjustedBranch)
	}
	total := s.killMoving(0, adjust...)
	back()
	rnd := random(t)
	for i, few := 0, rounds(t, 5); i < few; i++ {
		s.round++
		s.killMoving(1+(i*total+rnd.IntN(total))/few, adjust...)
		s.saveInOrder()
		s.removeGitLocks()
		if now := s.Git("rev-parse", "main"); now != tip {
			t.Fatalf("round %d: main has moved:\n%s", s.round, s.Git("show", "--stat", "main"))
		}
		switch at := s.Git("symbolic-ref", "--short", "HEAD"); {
		case at == adjustedBranch:
			s.onTop("one.bin", "two.bin")
		case at != "main":
			t.Fatalf("round %d: on %s", s.round, at)
		}
		s.verify()
		if s.Git("branch", "--list", adjustedBranch) != "" {
			back()
		}
	}
	s.Check()
}

// repeatAfterGit repeats a command in which git itself may have been killed: it
// waits for one that lives on, and then does what git asks the user to do.
func (s *story) repeatAfterGit(args ...string) {
	s.T.Helper()
	defer s.removeGitLocks() // git-annex's, from the hook that git merge runs
	for range 5 {
		if _, err := s.Stemma(args...).CombinedOutput(); err == nil {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	s.removeGitLocks()
	s.Git("reset", "-q", "--hard")
	s.repeat(s.Stemma(args...))
}

// removeGitLocks removes what killed git processes (fetch, merge) have locked.
func (s *story) removeGitLocks() {
	s.T.Helper()
	for _, name := range []string{"index", "HEAD", "ORIG_HEAD", "FETCH_HEAD", "packed-refs", "refs"} {
		_ = filepath.WalkDir(filepath.Join(s.Dir, ".git", name), func(p string, e fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(p, ".lock") {
				_ = os.Remove(p)
			}
			return nil
		})
		os.Remove(filepath.Join(s.Dir, ".git", name+".lock"))
	}
}
