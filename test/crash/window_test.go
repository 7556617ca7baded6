package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	tip := s.ref("refs/heads/main")
	exists := func(name string) bool { _, err := os.Lstat(filepath.Join(s.Dir, ".git", name)); return err == nil }
	s.dieAt([]string{"save", "-m", fmt.Sprintf("round %d", s.round)}, func() bool {
		return s.ref("refs/heads/main") != tip && exists("index.lock") && exists("HEAD.lock") == inside
	})
}

// git moves several refs one after the other: killed in between, the rest
// follows, and no job gets a second record.
func TestFinishKilledBetweenRefs(t *testing.T) {
	t.Run("branches", func(t *testing.T) {
		s := newJobStory(t)
		s.batch(3)
		s.dieAt([]string{"finish", "--branches"}, func() bool {
			made, _ := filepath.Glob(filepath.Join(s.Dir, ".git", "refs", "heads", "slurm-job-branch-?"))
			return len(made) == 2
		})
		s.repeat(s.Stemma("finish", "--branches"))
		s.afterFinish("--branches")
		s.Check()
	})
	t.Run("annex branch first", func(t *testing.T) {
		s := newJobStory(t)
		s.batch(2)
		tips := func() (main, annex string) {
			return s.ref("refs/heads/main"), s.ref("refs/heads/git-annex")
		}
		main, annex := tips()
		s.dieAt([]string{"finish"}, func() bool {
			m, a := tips()
			return m == main && a != annex
		})
		s.repeat(s.Stemma("finish"))
		s.afterFinish("")
		s.Check()
	})
}

func (s *story) ref(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.Dir, ".git", filepath.FromSlash(name)))
	return string(text)
}

// dieAt kills a command and its children as soon as the condition holds.
func (s *story) dieAt(args []string, now func() bool) {
	s.T.Helper()
	if _, ended, err := rig.KillWhen(s.Stemma(args...), func(int) bool { return now() }, rig.All); err != nil || ended {
		s.T.Fatalf("%v: the moment did not come: %v", args, err)
	}
}

// Any command that publishes completes a killed finish, also where that one
// committed tasks of an array: the job is closed then.
func TestSaveSettlesTasksOfKilledFinish(t *testing.T) {
	s := newJobStory(t)
	s.write("tasks.sh", "#!/bin/sh\nmkdir -p arr\necho $SLURM_ARRAY_TASK_ID > arr/$SLURM_ARRAY_TASK_ID.txt\n")
	s.Save("-m", "tasks")
	s.Run(s.Bin, "schedule", "-m", "array", "-o", "arr/{task}.txt", "sbatch", "--array=1-2", "tasks.sh")
	s.complete()
	tip := s.ref("refs/heads/main")
	s.dieAt([]string{"finish"}, func() bool { return s.ref("refs/heads/main") != tip })
	s.write("again.txt", "another\n")
	s.repeat(s.Stemma("save", "-m", "another command", "again.txt"))
	if out := s.Run(s.Bin, "jobs", "--open"); strings.Contains(out, "arr") {
		t.Errorf("the job is open:\n%s", out)
	}
	for _, task := range []string{"1", "2"} {
		s.want["arr/"+task+".txt"] = task + "\n"
	}
	s.logFiles()
	s.verify()
	if n := s.bodies("array"); n != 2 {
		t.Errorf("%d records of two tasks", n)
	}
	s.Check()
}
