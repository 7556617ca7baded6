package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// cloning clones a superdataset again and again.
type cloning struct {
	*story
	files []string // of the source
}

func newCloning(t *testing.T) *cloning {
	s := &cloning{story: newStory(t)}
	for i := range 12 {
		s.Write(fmt.Sprintf("d%d/text%d", i%3, i), strings.Repeat("line\n", 100*i))
		s.Write(fmt.Sprintf("d%d/bin%d", i%3, i), rig.Binary(fmt.Sprint(i), 5000))
	}
	s.Run(s.Bin, "create", "-d", ".", "sub")
	s.Write("sub/f", "in the subdataset\n")
	s.Run(s.Bin, "save", "-r", "-m", "source")
	s.files = strings.Split(s.Git("ls-files"), "\n")
	return s
}

// whole checks that a clone has everything, and nothing beside it.
func (s *cloning) whole(dir string) {
	s.T.Helper()
	clone := &rig.Repo{World: s.World, T: s.T, Dir: dir}
	clone.Check()
	if got := strings.Split(clone.Git("ls-files"), "\n"); strings.Join(got, "\n") != strings.Join(s.files, "\n") {
		s.T.Fatalf("%d files of %d", len(got), len(s.files))
	}
	for _, pattern := range []string{".git/stemma-clone", ".stemma-tmp-*"} {
		if left, _ := filepath.Glob(filepath.Join(dir, pattern)); len(left) > 0 {
			s.T.Fatalf("left behind: %v", left)
		}
	}
	uuid := clone.Git("config", "annex.uuid")
	if log := clone.Git("cat-file", "-p", "git-annex:uuid.log"); strings.Count(log, uuid) != 1 {
		s.T.Fatalf("uuid.log, of %s:\n%s", uuid, log)
	}
}

// A clone, and the get of a subdataset, killed at any moment and repeated, is a
// whole one; what the user has put there meanwhile stays.
func TestCloneKilled(t *testing.T) {
	s := newCloning(t)
	rnd := random(t)
	first := filepath.Join(s.Root, "clones", "first")
	total := s.countSteps("clone", s.Dir, first)
	s.whole(first)
	for i, n := range chosen(t, rnd, total, 10) {
		s.round++
		dir := filepath.Join(s.Root, "clones", fmt.Sprint("c", i))
		s.killAt(n, rig.Victims(rnd.IntN(3)), "clone", s.Dir, dir)
		users := filepath.Join(dir, "users.txt")
		_, err := os.Lstat(filepath.Join(dir, ".git"))
		meddled := err == nil && os.WriteFile(users, []byte("mine"), 0o644) == nil
		s.Run(s.Bin, "clone", s.Dir, dir)
		if meddled {
			if text, err := os.ReadFile(users); err != nil || string(text) != "mine" {
				t.Fatalf("round %d: the user's file: %q %v", s.round, text, err)
			}
			os.Remove(users)
		}
		s.whole(dir)
		os.RemoveAll(dir)
	}
}

func TestGetOfSubdatasetKilled(t *testing.T) {
	s := newCloning(t)
	rnd := random(t)
	clone := func(name string) *rig.Repo {
		dir := filepath.Join(s.Root, "clones", name)
		s.Run(s.Bin, "clone", s.Dir, dir)
		return &rig.Repo{World: s.World, T: t, Dir: dir}
	}
	measured := &story{Repo: clone("first")}
	total := measured.countSteps("get", "-n", "sub")
	for i, n := range chosen(t, rnd, total, 6) {
		c := &story{Repo: clone(fmt.Sprint("c", i)), round: i}
		c.killAt(n, rig.Victims(rnd.IntN(3)), "get", "-n", "sub")
		c.Run(c.Bin, "get", "-n", "sub")
		c.Check()
		if url := c.Git("config", "submodule.sub.url"); url == "" {
			t.Errorf("round %d: the superdataset does not know where sub is from", i)
		}
		sub := &rig.Repo{World: s.World, T: t, Dir: filepath.Join(c.Dir, "sub")}
		sub.Check()
		if text, err := os.Readlink(filepath.Join(sub.Dir, "f")); err != nil || !strings.Contains(text, "annex/objects") {
			t.Fatalf("round %d: sub/f leads to %q, %v", i, text, err)
		}
	}
}

// A clone that becomes a subdataset is registered by the same command typed
// again, whenever the first was killed.
func TestCloneIntoSuperdatasetKilled(t *testing.T) {
	s := newCloning(t)
	rnd := random(t)
	super := func(i int) *story {
		dir := filepath.Join(s.Root, "clones", fmt.Sprint("super", i))
		s.Run(s.Bin, "create", dir)
		return &story{Repo: &rig.Repo{World: s.World, T: t, Dir: dir}, round: i}
	}
	total := super(-1).countSteps("clone", "-d", ".", s.Dir, "in/copy")
	for i, n := range chosen(t, rnd, total, 6) {
		c := super(i)
		c.killAt(n, rig.Victims(rnd.IntN(3)), "clone", "-d", ".", s.Dir, "in/copy")
		c.Run(c.Bin, "clone", "-d", ".", s.Dir, "in/copy")
		c.Check()
		if text := c.Git("show", "HEAD:.gitmodules"); !strings.Contains(text, "datalad-url = "+s.Dir) {
			t.Fatalf("round %d: .gitmodules:\n%s", i, text)
		}
		if link := c.Git("ls-tree", "HEAD", "in/copy"); !strings.HasPrefix(link, "160000 commit") {
			t.Fatalf("round %d: in HEAD: %q", i, link)
		}
		s.whole(filepath.Join(c.Dir, "in", "copy"))
	}
}

// Of several clones into one place at once, one is made, and the others do not
// take it away.
func TestClonesIntoOnePlace(t *testing.T) {
	s := newCloning(t)
	clones := filepath.Join(s.Root, "clones")
	if err := os.Mkdir(clones, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range rounds(t, 6) {
		dir := filepath.Join(clones, fmt.Sprint("c", i))
		switch i % 3 {
		case 1:
			os.Mkdir(dir, 0o755)
		case 2:
			dir = filepath.Join(dir, "below", "it")
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if out, err := s.Try(s.Bin, "clone", s.Dir, dir); err != nil && !strings.Contains(out, "another process") && !strings.Contains(out, "already") {
					t.Errorf("%v: %s", err, out)
				}
			})
		}
		wg.Wait()
		s.whole(dir)
	}
	if out, err := s.Try(s.Bin, "clone", filepath.Join(s.Root, "nothing"), filepath.Join(clones, "no", "thing")); err == nil {
		t.Errorf("cloned from nothing: %s", out)
	}
	for _, pattern := range []string{".stemma-tmp-*", "*/below/.stemma-tmp-*", "no"} {
		if left, _ := filepath.Glob(filepath.Join(clones, pattern)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}
