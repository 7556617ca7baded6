package crash

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// syncing is a dataset whose synchronisation finds one conflict of annexed files
// each time.
type syncing struct {
	*story
	up   string
	args []string
}

func newSyncing(t *testing.T) *syncing {
	t.Helper()
	s := &syncing{story: newStory(t), args: []string{"annex", "sync", "--no-push", "up"}}
	s.up = filepath.Join(s.Root, "up")
	s.Run("git", "clone", "-q", s.Dir, s.up)
	s.Git("remote", "add", "up", s.up)
	s.Git("config", "remote.up.annex-ignore", "true")
	s.next()
	s.countSteps(s.args...) // what only the first one does
	return s
}

// next makes the conflict. text is our version.
func (s *syncing) next() (name, text string) {
	s.T.Helper()
	s.round++
	name = fmt.Sprintf("both%03d", s.round)
	s.Run("git", "-C", s.up, "pull", "-q", "--no-edit", "--no-rebase", "origin", "main")
	key := fmt.Sprintf("MD5-s%d--%032d", s.round, s.round)
	if err := os.Symlink(filepath.Join(".git/annex/objects/00/00", key, key), filepath.Join(s.up, name+".bin")); err != nil {
		s.T.Fatal(err)
	}
	s.Run("git", "-C", s.up, "add", name+".bin")
	s.Run("git", "-C", s.up, "commit", "-q", "-m", "up's "+name)
	text = rig.Binary(name, 3000)
	s.Write(name+".bin", text)
	s.Save("-m", name)
	return name, text
}

// A synchronisation that resolves a conflict of annexed files and is killed at
// any moment, and repeated, makes one merge, which has both versions.
func TestSyncOfConflictsKilled(t *testing.T) {
	s := newSyncing(t)
	s.next()
	total := s.countSteps(s.args...)
	rnd := random(t)
	for _, n := range chosen(t, rnd, total, 5) {
		name, text := s.next()
		s.killAt(n, rig.Victims(rnd.IntN(3)), s.args...)
		s.repeatAfterGit(s.args...)
		s.CheckQuick()
		s.bothVersions(name, text)
	}
	s.Git("fsck", "--strict")
}

// Whoever saves after that commits nothing of what git has left half done: save
// puts it in order, or names the lock that a killed git has left.
func TestSaveAfterSyncKilled(t *testing.T) {
	s := newSyncing(t)
	s.next()
	total := s.killMoving(0, s.args...)
	if total < 5 {
		t.Fatalf("git's way to the merge has %d steps", total)
	}
	total = min(total, 18) // then git-annex's hook begins
	rnd := random(t)
	for i, few := 0, rounds(t, 6); i < few; i++ {
		name, text := s.next()
		before := s.Git("rev-parse", "HEAD")
		s.killMoving(1+(i*total+rnd.IntN(total))/few, s.args...)
		s.saveInOrder()
		if saved := s.Git("log", "--format=%s", "--first-parent", "--no-merges", before+".."); saved != "" {
			t.Fatalf("round %d: saved: %s\n%s", s.round, saved, s.Git("show", "--stat", "HEAD"))
		}
		s.removeGitLocks() // of refs, and git-annex's
		s.repeat(s.Stemma(s.args...))
		s.CheckQuick()
		s.bothVersions(name, text)
	}
}

// killMoving kills all processes of a command at the n-th step, from when on git
// is bringing the files to another commit, and before it has checked out another
// branch; 0 only counts.
func (s *story) killMoving(n int, args ...string) (steps int) {
	s.T.Helper()
	before, err := os.ReadFile(filepath.Join(s.Dir, ".git/HEAD"))
	if err != nil {
		s.T.Fatal(err)
	}
	seen, ended, err := rig.KillWhen(s.Stemma(args...), func(int) bool {
		_, err := os.Lstat(filepath.Join(s.Dir, ".git/stemma-merge"))
		if head, herr := os.ReadFile(filepath.Join(s.Dir, ".git/HEAD")); err != nil || herr != nil || !bytes.Equal(head, before) {
			return false
		}
		steps++
		return steps == n
	}, rig.All)
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Logf("round %d: killed at step %d of the move, %d of all, ended: %v; locks: %v", s.round, n, seen, ended, s.moveLocks())
	return steps
}

// moveLocks names what a killed git has locked on its way to another commit.
func (s *story) moveLocks() (list []string) {
	for _, name := range []string{"index", "HEAD", "refs/heads/main"} {
		if found, _ := filepath.Glob(filepath.Join(s.Dir, ".git", name+".lock")); found != nil {
			list = append(list, found...)
		}
	}
	return list
}

// saveInOrder saves, and does what the error says if there is one.
func (s *story) saveInOrder() {
	s.T.Helper()
	locks := s.moveLocks()
	out, err := s.Stemma("save").CombinedOutput()
	if err != nil {
		for _, lock := range locks {
			if !strings.Contains(string(out), lock) {
				s.T.Errorf("round %d: %s is not named", s.round, lock)
			}
			if err := os.Remove(lock); err != nil {
				s.T.Fatal(err)
			}
		}
		if len(locks) == 0 || strings.Count(string(out), "[ERROR]") != 1 || !strings.Contains(string(out), "hint:") {
			s.T.Fatalf("round %d: save: %s", s.round, out)
		}
		s.Save()
	}
	s.removeGitLocks() // of refs, where all had been done
	for _, dir := range []string{"", "*/"} {
		left, _ := filepath.Glob(filepath.Join(s.Dir, dir+".stemma-tmp-*"))
		for _, file := range left { // content on its way into a file
			_ = os.Remove(file)
		}
	}
	s.CheckQuick()
}

// bothVersions checks that a conflict is resolved, and that one of the versions
// has our text.
func (s *story) bothVersions(name, text string) {
	s.T.Helper()
	if status := s.Git("status", "--porcelain"); status != "" {
		s.T.Fatalf("round %d: after the merge:\n%s", s.round, status)
	}
	names := strings.Fields(s.Git("ls-files", name+"*"))
	if len(names) != 2 || s.Git("rev-list", "--merges", "--grep=merge conflict fix", "--count", "HEAD", "--not", s.Git("log", "-1", "--format=%H", "--grep=^"+name+"$")) != "1" {
		s.T.Fatalf("round %d: files %q\n%s", s.round, names, s.Git("log", "--graph", "--oneline", "-8"))
	}
	for _, n := range names {
		if got, err := os.ReadFile(filepath.Join(s.Dir, n)); err == nil && string(got) == text && strings.HasPrefix(n, name+".variant-") {
			return
		}
	}
	s.T.Fatalf("round %d: our version is not in %q", s.round, names)
}
