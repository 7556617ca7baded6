package crash

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// nestedStory is a story about jobs that write into two subdatasets, one of
// which lies in the other, and beside them.
type nestedStory struct{ *jobStory }

func newNestedStory(t *testing.T) *nestedStory {
	s := &nestedStory{newJobStory(t)}
	s.Run(s.Bin, "create", "-d", ".", "-c", "text2git", "sub")
	s.Run(s.Bin, "create", "-d", ".", "-c", "text2git", "sub/deep")
	s.Write("nested.sh", "#!/bin/sh\necho \"$1\" >> '"+s.journal()+"'\n"+
		"for d in . sub sub/deep; do echo \"text of $1\" > $d/$1.txt; printf '\\000%s' \"$1\" > $d/$1.bin; done\n")
	s.Run(s.Bin, "save", "-r", "-m", "nested")
	return s
}

func (s *nestedStory) args(name string) []string {
	args := []string{"schedule", "-m", "schedule " + name}
	for _, d := range []string{"", "sub/", "sub/deep/"} {
		args = append(args, "-o", d+name+".txt", "-o", d+name+".bin")
	}
	return append(args, "sbatch", "nested.sh", name)
}

func (s *nestedStory) batch(n int) {
	s.T.Helper()
	for range n {
		s.jobs++
		s.Run(s.Bin, s.args(fmt.Sprintf("job%03d", s.jobs))...)
	}
	s.complete()
}

// finished checks that each job has one commit in the dataset, whose
// subdatasets hold, as they are recorded there, what the job wrote, and that
// nothing is left to be saved anywhere.
func (s *nestedStory) finished() {
	s.T.Helper()
	for _, dir := range []string{".", "sub", "sub/deep"} {
		if out := s.Git("-C", dir, "status", "--porcelain"); out != "" {
			s.T.Fatalf("round %d: status of %s:\n%s", s.round, dir, out)
		}
	}
	for n := 1; n <= s.jobs; n++ {
		name := fmt.Sprintf("job%03d", n)
		ids := strings.Fields(s.Git("log", "--format=%H", "--grep=^schedule "+name+"$"))
		if len(ids) != 1 {
			s.T.Fatalf("round %d: %d commits of %s", s.round, len(ids), name)
		}
		id := ids[0]
		for _, dir := range []string{".", "sub", "sub/deep"} {
			if dir != "." {
				id = strings.Fields(s.Git("-C", dir+"/..", "ls-tree", id, dir[strings.LastIndex(dir, "/")+1:]))[2]
				if made := len(strings.Fields(s.Git("-C", dir, "log", "--format=%H", "--grep=^schedule "+name+"$"))); made > 1 {
					s.T.Fatalf("round %d: %d commits of %s in %s", s.round, made, name, dir)
				}
			}
			if got := strings.TrimSpace(s.Git("-C", dir, "show", id+":"+name+".txt")); got != "text of "+name {
				s.T.Fatalf("round %d: the commit of %s holds %q in %s", s.round, name, got, dir)
			}
			if text, err := os.ReadFile(s.Dir + "/" + dir + "/" + name + ".bin"); err != nil || string(text) != "\x00"+name {
				s.T.Fatalf("round %d: %s/%s.bin: %q %v", s.round, dir, name, text, err)
			}
		}
	}
}

// A finish of jobs with outputs in subdatasets, killed at any moment and
// repeated, commits each job once, in every dataset.
func TestNestedFinishKilled(t *testing.T) {
	s := newNestedStory(t)
	rnd := random(t)
	var total int
	for range 2 {
		s.batch(2)
		total = s.countSteps("finish")
		s.finished()
	}
	for _, n := range chosen(t, rnd, total, 6) {
		s.round++
		s.batch(2)
		s.killAt(n, rig.Victims(rnd.IntN(3)), "finish")
		if rnd.IntN(3) == 0 { // the younger first
			_, _ = s.Stemma("finish", fmt.Sprint(s.jobs)).CombinedOutput()
		}
		s.repeat(s.Stemma("finish"))
		s.finished()
	}
	s.CheckQuick()
}

// A schedule of a job that writes into a subdataset, killed at any moment and
// repeated, runs it once.
func TestNestedScheduleKilled(t *testing.T) {
	s := newNestedStory(t)
	s.Write("sub/one.sh", "#!/bin/sh\necho \"$1/out\" >> '"+s.journal()+"'\necho \"$1\" > sub/$1\n")
	s.Run(s.Bin, "save", "-r", "-m", "script in a subdataset")
	rnd := random(t)
	args := func(name string) []string {
		return []string{"schedule", "-i", "sub/deep", "-o", "sub/" + name, "sbatch", "sub/one.sh", name}
	}
	next := func() string { return strings.TrimSuffix(s.name(), "/out") }
	var total int
	for range 2 {
		total = s.countSteps(args(next())...)
	}
	for _, n := range chosen(t, rnd, total, 4) {
		s.round++
		name := next()
		s.killAt(n, rig.Victims(rnd.IntN(2)), args(name)...)
		s.retry(name+"/out", 0, args(name)...)
		s.complete()
		if n := s.ran(name + "/out"); n != 1 {
			t.Fatalf("round %d: the job ran %d times", s.round, n)
		}
	}
	s.Run(s.Bin, "finish")
	if n := len(strings.Fields(s.Git("-C", "sub", "ls-files", "job*"))); n != s.jobs {
		t.Errorf("%d files of %d jobs", n, s.jobs)
	}
	if out := s.Git("status", "--porcelain"); out != "" {
		t.Errorf("status:\n%s", out)
	}
}
