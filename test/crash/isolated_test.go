package crash

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// isolatedStory is a story about isolated jobs, which all write the same files.
type isolatedStory struct{ *jobStory }

func newIsolatedStory(t *testing.T) *isolatedStory {
	s := &isolatedStory{newJobStory(t)}
	s.write("iso.sh", "#!/bin/sh\ncmp -s keep/text.txt ../../ds/keep/text.txt || exit 1\necho \"$1\" >> '"+s.journal()+"'\n"+
		"mkdir -p same; echo \"text of $1\" > same/out.txt; printf 'binary of %s\\000\\001\\377' \"$1\" > same/out.bin\n")
	s.Save("-m", "isolated job script")
	return s
}

func (s *isolatedStory) area() string { return filepath.Join(s.Root, "stage") }

func (s *isolatedStory) args(name string) []string {
	return []string{"schedule", "--isolated", s.area(), "-m", "schedule " + name, "-i", "keep", "-o", "same", "sbatch", "iso.sh", name}
}

// produced notes what the last of the jobs leaves.
func (s *isolatedStory) produced(name string) {
	s.want["same/out.txt"] = "text of " + name + "\n"
	s.want["same/out.bin"] = "binary of " + name + "\x00\x01\xff"
}

// each checks that the commits of jobs follow one another, each once, with what
// its own job wrote.
func (s *isolatedStory) each() {
	s.T.Helper()
	last := 0
	for _, line := range strings.Split(s.Git("log", "--reverse", "--format=%H %b", "--grep=^schedule job"), "\n") {
		id, _, ok := strings.Cut(line, " ")
		if !ok || len(id) != 40 {
			continue
		}
		body := s.Git("log", "-1", "--format=%B", id)
		_, rest, _ := strings.Cut(body, "\nschedule ")
		name, _, _ := strings.Cut(rest, "\n")
		if got := s.Git("show", id+":same/out.txt"); got != "text of "+name {
			s.T.Fatalf("round %d: the commit of %s holds %q", s.round, name, got)
		}
		var n int
		if fmt.Sscanf(name, "job%d/", &n); n <= last {
			s.T.Fatalf("round %d: job %d is committed after job %d", s.round, n, last)
		}
		last = n
	}
	if last != s.jobs {
		s.T.Fatalf("round %d: the last commit is that of job %d of %d", s.round, last, s.jobs)
	}
}

// pruned checks that folders of open jobs stay and that nothing else does.
func (s *isolatedStory) pruned() {
	s.T.Helper()
	s.Run(s.Bin, "stage", "prune")
	left, err := os.ReadDir(s.area())
	if err != nil && !os.IsNotExist(err) {
		s.T.Fatal(err)
	}
	notes, err := os.ReadDir(filepath.Join(s.Dir, ".git", "stemma", "stages"))
	if err != nil {
		s.T.Fatal(err)
	}
	if len(left) != 0 || len(notes) != 0 {
		s.T.Fatalf("round %d: %d folders and %d notes are left", s.round, len(left), len(notes))
	}
}

func (s *isolatedStory) batch(n int) {
	s.T.Helper()
	for range n {
		name := s.name()
		s.Run(s.Bin, s.args(name)...)
		s.produced(name)
	}
	s.complete()
}

func (s *isolatedStory) finished() {
	s.T.Helper()
	s.logFiles()
	s.afterFinish("")
	s.each()
}

// A finish of jobs that write the same files, killed at any moment and
// repeated, commits what each job wrote, one after the other.
func TestIsolatedFinishKilled(t *testing.T) {
	s := newIsolatedStory(t)
	rnd := random(t)
	var total int
	for range 2 {
		s.batch(2)
		total = s.countSteps("finish")
		s.finished()
	}
	for _, n := range chosen(t, rnd, total, 5) {
		s.round++
		s.batch(2)
		s.killAt(n, rig.Victims(rnd.IntN(3)), "finish")
		if rnd.IntN(3) == 0 {
			s.repeat(s.Stemma("save", "-m", "another command", "again.txt"))
		}
		s.repeat(s.Stemma("finish"))
		s.finished()
	}
	s.pruned()
	s.Check()
}

// A schedule of an isolated job that is killed at any moment and repeated runs
// the job once, and leaves no folder that nobody knows.
func TestIsolatedScheduleKilled(t *testing.T) {
	s := newIsolatedStory(t)
	rnd := random(t)
	var total int
	for range 2 {
		total = s.countSteps(s.args(s.name())...)
	}
	for _, n := range chosen(t, rnd, total, 8) {
		s.round++
		name := s.name()
		s.killAt(n, rig.Victims(rnd.IntN(2)), s.args(name)...)
		s.again(name)
		s.complete()
		if n := s.ran(name); n != 1 {
			t.Fatalf("round %d: the job ran %d times\n%s", s.round, n, s.Run(s.Bin, "jobs"))
		}
	}
	t.Logf("%d submissions were uncertain", s.uncertain)
	s.produced(fmt.Sprintf("job%03d/out", s.jobs))
	s.Run(s.Bin, "finish")
	s.finished()
	s.pruned()
	s.Check()
}

// again repeats a schedule, unless the killed one was complete: an isolated job
// is no obstacle to another one of the same words, so that the user looks first.
func (s *isolatedStory) again(name string) {
	s.T.Helper()
	var out []byte
	for range 100 {
		if s.ran(name) > 0 && strings.Contains(s.submitted(name), "job") {
			return
		}
		var err error
		if out, err = s.Stemma(s.args(name)...).CombinedOutput(); err == nil {
			return
		}
		if !strings.Contains(string(out), "it is uncertain whether") {
			break
		}
		time.Sleep(200 * time.Millisecond) // for a job that was submitted
		if n := s.ran(name); n != 0 {
			s.T.Fatalf("round %d: the line ran %d times, and it is not known\n%s", s.round, n, out)
		}
		s.uncertain++
		_, row, _ := strings.Cut(string(out), "claim #")
		row, _, _ = strings.Cut(row, " ")
		s.Run(s.Bin, "jobs", "release", "#"+row)
	}
	s.T.Fatalf("round %d: repeated after the crash:\n%s", s.round, out)
}

// submitted looks for an open job of that name that the scheduler knows.
func (s *isolatedStory) submitted(name string) string {
	s.T.Helper()
	for _, line := range strings.Split(s.Run(s.Bin, "jobs", "--open", "--json"), "\n") {
		if strings.Contains(line, "iso.sh "+name+`"`) && !strings.Contains(line, `"job_id":""`) {
			return "job " + line
		}
	}
	return ""
}
