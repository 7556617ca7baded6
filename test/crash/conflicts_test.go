package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// A synchronisation that resolves a conflict of annexed files and is killed at
// any moment, and repeated, makes one merge, which has both versions.
func TestSyncOfConflictsKilled(t *testing.T) {
	s := newStory(t)
	up := filepath.Join(s.Root, "up")
	s.Run("git", "clone", "-q", s.Dir, up)
	s.Git("remote", "add", "up", up)
	s.Git("config", "remote.up.annex-ignore", "true")
	sync := []string{"annex", "sync", "--no-push", "up"}
	next := func() (name, text string) {
		s.round++
		name = fmt.Sprintf("both%03d", s.round)
		s.Run("git", "-C", up, "pull", "-q", "--no-edit", "--no-rebase", "origin", "main")
		key := fmt.Sprintf("MD5-s%d--%032d", s.round, s.round)
		if err := os.Symlink(filepath.Join(".git/annex/objects/00/00", key, key), filepath.Join(up, name+".bin")); err != nil {
			t.Fatal(err)
		}
		s.Run("git", "-C", up, "add", name+".bin")
		s.Run("git", "-C", up, "commit", "-q", "-m", "up's "+name)
		text = rig.Binary(name, 3000)
		s.Write(name+".bin", text)
		s.Save("-m", name)
		return name, text
	}
	next()
	s.countSteps(sync...) // what only the first one does
	next()
	total := s.countSteps(sync...)
	rnd := random(t)
	for _, n := range chosen(t, rnd, total, 5) {
		name, text := next()
		s.killAt(n, rig.Victims(rnd.IntN(3)), sync...)
		s.repeatAfterGit(sync...)
		s.CheckQuick()
		s.bothVersions(name, text)
	}
	s.Git("fsck", "--strict")
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
