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

// jobStory is a story about jobs of the local scheduler. Each job that runs
// leaves a line in a file outside of the dataset.
type jobStory struct {
	*story
	jobs      int
	uncertain int // submissions that the user had to settle
}

func newJobStory(t *testing.T) *jobStory { return jobStoryOf(newStory(t)) }

func jobStoryOf(base *story) *jobStory {
	s := &jobStory{story: base}
	s.NeedCommand(s.T, "schedule")
	s.NeedCommand(s.T, "finish")
	s.write("job.sh", "#!/bin/sh\n#SBATCH --job-name=crash\necho \"$1\" >> '"+s.journal()+"'\n'"+s.maker()+"' \"$1\"\n")
	s.Save("-m", "job script")
	return s
}

func (s *jobStory) journal() string { return filepath.Join(s.Root, "jobs-that-ran") }

// name is the next job's.
func (s *jobStory) name() string {
	s.jobs++
	return fmt.Sprintf("job%03d/out", s.jobs)
}

func scheduleArgs(name string) []string {
	return []string{"schedule", "-m", "schedule " + name, "-o", filepath.Dir(name), "sbatch", "job.sh", name}
}

// complete waits until no open job is still to run.
func (s *jobStory) complete() {
	s.T.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		out := s.Run(s.Bin, "jobs", "--open")
		if !strings.Contains(out, "PENDING") && !strings.Contains(out, "RUNNING") && !strings.Contains(out, "COMPLETING") {
			return
		}
	}
	s.T.Fatalf("the jobs do not end:\n%s", s.Run(s.Bin, "jobs"))
}

// ran counts how often the job was executed.
func (s *jobStory) ran(name string) (n int) {
	s.T.Helper()
	text, err := os.ReadFile(s.journal())
	if err != nil && !os.IsNotExist(err) {
		s.T.Fatal(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if line == name {
			n++
		}
	}
	return n
}

// logFiles notes Slurm's own files, which are committed with the results.
func (s *jobStory) logFiles() {
	s.T.Helper()
	for _, pattern := range []string{"slurm-*.out", "slurm-job-*.env.json"} {
		files, _ := filepath.Glob(filepath.Join(s.Dir, pattern))
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				s.T.Fatal(err)
			}
			s.want[filepath.Base(f)] = string(text)
		}
	}
}

// bodies counts commits whose message has the line.
func (s *jobStory) bodies(line string) (n int) {
	s.T.Helper()
	for _, l := range strings.Split(s.Git("log", "--branches", "--format=%B"), "\n") {
		if l == line {
			n++
		}
	}
	return n
}

// A finish that is killed at any moment and repeated commits each job once.
func TestFinishKilled(t *testing.T) {
	for _, shape := range []string{"", "--branches", "--octopus"} {
		t.Run("shape"+shape, func(t *testing.T) { finishKilled(t, shape) })
	}
}

func finishKilled(t *testing.T, shape string) {
	s := newJobStory(t)
	rnd := random(t)
	args := []string{"finish"}
	if shape != "" {
		args = append(args, shape)
	}
	var total int
	for range 2 {
		s.batch(2)
		total = s.countSteps(args...)
		s.afterFinish(shape)
	}
	for i, n := range chosen(t, rnd, total, 3) {
		s.round++
		s.batch(2 - i%4/3)
		s.killAt(n, rig.Victims(rnd.IntN(3)), args...)
		switch rnd.IntN(4) {
		case 0:
			s.meddle()
		case 1:
			s.repeat(s.Stemma("save", "-m", "another command", "again.txt"))
		}
		s.repeat(s.Stemma(args...))
		s.afterFinish(shape)
	}
	s.Check()
}

// batch schedules n jobs and waits for their end.
func (s *jobStory) batch(n int) {
	s.T.Helper()
	for range n {
		name := s.name()
		s.Run(s.Bin, scheduleArgs(name)...)
		s.made(name, "")
	}
	s.complete()
	s.logFiles()
}

// afterFinish checks that each job so far has one record and its results.
func (s *jobStory) afterFinish(shape string) {
	s.T.Helper()
	for i := range s.jobs {
		if n := s.bodies(fmt.Sprintf("schedule job%03d/out", i+1)); n != 1 {
			s.T.Fatalf("round %d: job %d has %d records\n%s", s.round, i+1, n, s.Git("log", "--branches", "--oneline"))
		}
	}
	if out := s.Run(s.Bin, "jobs", "--open"); strings.Contains(out, "COMPLETED") {
		s.T.Fatalf("round %d: jobs are open\n%s", s.round, out)
	}
	if shape == "--branches" {
		s.offBranches()
	}
	s.verify()
}

// offBranches checks the results on their own branches, and clears the work
// tree of them.
func (s *jobStory) offBranches() {
	s.T.Helper()
	for _, branch := range strings.Fields(s.Git("for-each-ref", "--format=%(refname:short)", "refs/heads/slurm-job-branch-*")) {
		files := s.Git("diff", "--name-only", "HEAD..."+branch)
		if strings.Count(files, "/out.") != 2 || !strings.Contains(files, "slurm-") {
			s.T.Fatalf("branch %s has only %q", branch, files)
		}
	}
	s.Git("clean", "-fdq")
	for name := range s.want {
		if strings.HasPrefix(name, "job0") || strings.HasPrefix(name, "slurm-") {
			delete(s.want, name)
		}
	}
}

// A schedule that is killed at any moment and repeated submits once.
func TestScheduleKilled(t *testing.T) {
	s := newJobStory(t)
	rnd := random(t)
	var total int
	for range 2 {
		name := s.name()
		total = s.countSteps(scheduleArgs(name)...)
		s.made(name, "")
	}
	for i, n := range chosen(t, rnd, total, 6) {
		s.round++
		name := s.name()
		s.made(name, "")
		// Not all: the scheduler itself is spared, as slurmctld would be.
		who := rig.Victims(rnd.IntN(2))
		if i%2 == 0 {
			s.killAt(n, who, scheduleArgs(name)...)
		} else if _, err := rig.KillAfter(s.Stemma(scheduleArgs(name)...), time.Duration(rnd.IntN(120))*time.Millisecond, who); err != nil {
			t.Fatal(err)
		}
		s.again(name)
		s.complete()
		if n := s.ran(name); n != 1 {
			t.Fatalf("round %d: the job ran %d times\n%s", s.round, n, s.Run(s.Bin, "jobs"))
		}
	}
	t.Logf("%d submissions were uncertain", s.uncertain)
	s.logFiles()
	s.Run(s.Bin, "finish")
	s.afterFinish("")
	s.Check()
}

// again repeats a schedule. Where the killed one was complete, the job's own
// claim refuses the second, which is right. Where it died between the claim
// and the start of the line, nobody can know whether the line ran; the user is
// asked, and looks.
func (s *jobStory) again(name string) { s.T.Helper(); s.retry(name, 0, scheduleArgs(name)...) }

// retry is again for any command that submits a job, which ran so many times
// before.
func (s *jobStory) retry(name string, ran int, args ...string) {
	s.T.Helper()
	var row string
	var out []byte
	var err error
	for range 100 {
		if out, err = s.Stemma(args...).CombinedOutput(); err == nil {
			return
		}
		if row = s.openRow(filepath.Dir(name)); !strings.Contains(row, "SUBMITTING") {
			break
		}
		time.Sleep(50 * time.Millisecond) // the killed one's line is still at work
	}
	switch {
	case strings.Contains(row, "UNCERTAIN"):
		if !strings.Contains(string(out), "adopt") || !strings.Contains(string(out), "release") {
			s.T.Fatalf("round %d: the error does not say how to settle it:\n%s", s.round, out)
		}
		time.Sleep(200 * time.Millisecond) // for a job that was submitted
		if n := s.ran(name) - ran; n != 0 {
			s.T.Fatalf("round %d: the line ran %d times, and it is not known\n%s", s.round, n, out)
		}
		s.uncertain++
		s.Run(s.Bin, "jobs", "release", strings.Fields(row)[0])
		s.Run(s.Bin, args...)
	case row == "" || strings.Contains(row, "SUBMITTING"):
		s.T.Fatalf("round %d: repeated after the crash: %v\n%s\n%s", s.round, err, out, row)
	}
}

// openRow is the line of the open job that claims an output.
func (s *jobStory) openRow(output string) string {
	s.T.Helper()
	for _, line := range strings.Split(s.Run(s.Bin, "jobs", "--open"), "\n") {
		if strings.Contains(line+" ", "/"+output+" ") {
			return line
		}
	}
	return ""
}
