package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// story is a command that is killed and repeated, round after round, in one
// dataset that grows.
type story struct {
	*rig.Repo
	round int
	want  map[string]string // content of every file there must be
}

func newStory(t *testing.T) *story {
	rig.Need(t, "git", "git-annex")
	w := rig.NewWorld(t, program)
	s := &story{Repo: w.Dataset(t, "ds"), want: map[string]string{}}
	s.write("keep/text.txt", "kept\n")
	s.write("keep/data.bin", rig.Binary("kept", 3000))
	s.write("again.txt", "0\n")
	s.write("again.bin", rig.Binary("again", 2000))
	s.Save("-m", "base")
	return s
}

func (s *story) write(rel, text string) {
	s.T.Helper()
	s.Write(rel, text)
	s.want[rel] = text
}

// change makes a round's work: new files for git and for the annex, replaced
// ones, a deleted one, a folder that takes a file's place.
func (s *story) change() {
	s.T.Helper()
	s.round++
	dir := fmt.Sprintf("r%03d", s.round)
	for i := range 3 {
		s.write(fmt.Sprintf("%s/text %d.txt", dir, i), fmt.Sprintf("round %d file %d\n", s.round, i))
		name := fmt.Sprintf("%s/data-%d.bin", dir, i)
		s.write(name, rig.Binary(name, 5000+s.round))
	}
	s.write("again.txt", fmt.Sprintf("%d\n", s.round))
	s.write("again.bin", rig.Binary(fmt.Sprint("again", s.round), 2000))
	if s.round > 1 {
		for _, name := range []string{"text 0.txt", "data-0.bin"} {
			gone := fmt.Sprintf("r%03d/%s", s.round-1, name)
			if err := os.Remove(filepath.Join(s.Dir, gone)); err != nil {
				s.T.Fatal(err)
			}
			delete(s.want, gone)
		}
	}
}

// commits counts what is on the branch.
func (s *story) commits() int {
	s.T.Helper()
	return len(strings.Fields(s.Git("rev-list", "HEAD")))
}

// verify checks that the branch and the work tree hold exactly the files there
// must be, with their content.
func (s *story) verify() {
	s.T.Helper()
	s.CheckQuick()
	have := map[string]bool{}
	for _, name := range strings.Split(s.Git("ls-tree", "-r", "-z", "--name-only", "HEAD"), "\x00") {
		if name != "" && !strings.HasPrefix(name, ".") {
			have[name] = true
		}
	}
	for name, text := range s.want {
		if !have[name] {
			s.T.Errorf("%s is not committed", name)
		}
		delete(have, name)
		if got, err := os.ReadFile(filepath.Join(s.Dir, name)); err != nil || string(got) != text {
			s.T.Errorf("%s: wrong content (%d bytes): %v", name, len(got), err)
		}
	}
	for name := range have {
		s.T.Errorf("%s is committed, but should not be", name)
	}
	if s.T.Failed() {
		s.T.Fatalf("round %d: content is not as it must be", s.round)
	}
}

// meddle does what a user might do after the crash: commit what is staged. It
// may fail because of a lock, but must not take anything away. It returns the
// number of commits made by it; a git that survived the crash may make others.
func (s *story) meddle() (made int) {
	s.T.Helper()
	out, err := s.Try("git", "commit", "-q", "--allow-empty", "-m", fmt.Sprintf("user's own %d", s.round))
	if err != nil && !strings.Contains(out, ".lock") {
		s.T.Fatalf("git commit after the crash: %v\n%s", err, out)
	}
	if err != nil {
		return 0
	}
	return 1
}

// repeat runs the command again; it must succeed.
func (s *story) repeat(cmd *exec.Cmd) {
	s.T.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		s.T.Fatalf("round %d: repeated after the crash: %v: %v\n%s", s.round, cmd.Args, err, out)
	}
}
