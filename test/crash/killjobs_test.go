package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// killing is a jobStory whose commands are killed at random moments.
type killing struct {
	*jobStory
	rnd    *rand.Rand
	redone map[string]int // how often a job was done again
	killed map[string]int // by kind of command
	ended  int            // commands that were faster

	submits, finishes time.Duration // that the commands take unkilled
}

// Commands about jobs, of every kind, killed at random moments and repeated:
// nothing is lost and nothing doubled.
func TestJobCommandsKilled(t *testing.T) {
	s := &killing{jobStory: newJobStory(t), rnd: random(t), redone: map[string]int{}, killed: map[string]int{}}
	kinds := []struct {
		name string
		do   func()
	}{{"schedule", s.killSchedule}, {"finish", s.killFinish}, {"reschedule", s.killReschedule}, {"watch", s.killWatch}, {"auto-finish", s.killHelper}}
	begin := time.Now()
	name := s.name()
	s.made(name, "")
	s.Run(s.Bin, scheduleArgs(name)...)
	s.submits = time.Since(begin)
	s.complete()
	s.finishes = rig.Duration(t, s.Stemma("finish"))
	for i := range rounds(t, 10) {
		s.round++
		kind := kinds[i%len(kinds)]
		kind.do()
		s.killed[kind.name]++
		s.judgeKilled(kind.name)
	}
	t.Logf("killed %v (submissions take %v, finishes %v); %d were faster; %d submissions were uncertain", s.killed, s.submits.Round(time.Millisecond), s.finishes.Round(time.Millisecond), s.ended, s.uncertain)
	s.Check()
}

// judgeKilled checks that each job has a record for each time it was done.
func (s *killing) judgeKilled(kind string) {
	s.T.Helper()
	s.logFiles()
	bodies := map[string]int{}
	for line := range strings.Lines(s.Git("log", "--format=%B")) {
		bodies[strings.TrimSpace(line)]++
	}
	for i := range s.jobs {
		name := fmt.Sprintf("job%03d/out", i+1)
		want := 1 + s.redone[name]
		if n := bodies["schedule "+name]; n != want {
			s.T.Fatalf("round %d (%s): job %s has %d records, want %d\n%s\n%s", s.round, kind, name, n, want, s.Git("log", "--oneline", "-8"), s.Run(s.Bin, "jobs", "--all"))
		}
		if n := s.ran(name); n != want {
			s.T.Fatalf("round %d (%s): job %s ran %d times, want %d", s.round, kind, name, n, want)
		}
	}
	if out := s.Run(s.Bin, "jobs", "--open"); strings.Contains(out, "job0") || strings.Contains(out, "/job") {
		s.T.Fatalf("round %d (%s): jobs are open\n%s", s.round, kind, out)
	}
	s.verify()
}

// killSoon kills a command after a random part of the time that it takes.
func (s *killing) killSoon(whole time.Duration, who rig.Victims, args ...string) {
	s.T.Helper()
	delay := time.Duration(s.rnd.Float64() * float64(whole))
	ended, err := rig.KillAfter(s.Stemma(args...), delay, who)
	if ended && err != nil {
		s.T.Fatalf("round %d: %v before it was killed: %v", s.round, args, err)
	}
	if ended {
		s.ended++
	}
}

// notAll spares the scheduler, as slurmctld would be.
func (s *killing) notAll() rig.Victims { return rig.Victims(s.rnd.IntN(2)) }

func (s *killing) killSchedule() {
	name := s.name()
	s.made(name, "")
	s.killSoon(s.submits, s.notAll(), scheduleArgs(name)...)
	s.retry(name, 0, scheduleArgs(name)...)
	s.complete()
	s.Run(s.Bin, "finish")
}

func (s *killing) killFinish() {
	s.batch(1 + s.rnd.IntN(2))
	s.killSoon(s.finishes, rig.Victims(s.rnd.IntN(3)), "finish")
	s.repeat(s.Stemma("finish"))
}

// killReschedule does the job of the last commit again.
func (s *killing) killReschedule() {
	name := s.lastJob()
	s.redone[name]++
	rev := s.Git("rev-parse", "HEAD")
	before := s.ran(name)
	s.killSoon(s.submits, s.notAll(), "reschedule", rev)
	s.retry(name, before, "reschedule", rev)
	s.complete()
	s.Run(s.Bin, "finish")
}

// lastJob is the job whose results were committed last.
func (s *killing) lastJob() string {
	s.T.Helper()
	for line := range strings.Lines(s.Git("log", "-1", "--format=%B")) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "schedule "); ok {
			return name
		}
	}
	s.T.Fatalf("round %d: the last commit is of no job:\n%s", s.round, s.Git("log", "-1"))
	return ""
}

// killWatch kills one that waits, or commits.
func (s *killing) killWatch() {
	name := s.name()
	s.made(name, "")
	s.Run(s.Bin, scheduleArgs(name)...)
	if s.rnd.IntN(2) == 0 {
		s.complete()
	}
	s.killSoon(s.finishes, rig.Victims(s.rnd.IntN(3)), "finish", "--watch")
	s.complete() // a watch that finds a job running looks again after 40 s
	s.repeat(s.Stemma("finish", "--watch"))
}

// killHelper kills the schedule, or the helper when it commits.
func (s *killing) killHelper() {
	name := s.name()
	s.made(name, "")
	args := append([]string{"schedule", "--auto-finish"}, scheduleArgs(name)[1:]...)
	if s.rnd.IntN(3) == 0 {
		s.killSoon(2*s.submits, s.notAll(), args...)
		s.complete()
		s.settled()
		if s.bodies("schedule "+name) == 0 { // else there is nothing to repeat
			s.retry(name, 0, args...)
		}
	} else {
		s.Run(s.Bin, args...)
		s.killProcess(s.helper(), time.Duration(s.rnd.Float64()*float64(s.finishes)))
	}
	s.complete()
	s.settled()
	if out, err := s.Stemma("finish").CombinedOutput(); err != nil {
		s.T.Fatalf("round %d: finish by hand: %v\n%s", s.round, err, out)
	}
}

// helper waits for the process of the helper; 0: it was faster.
func (s *killing) helper() (pid int) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if pids := s.processes("finish"); len(pids) > 0 {
			return pids[0]
		}
		if left, _ := filepath.Glob(filepath.Join(s.Dir, ".git", "stemma", "autofinish", "*")); len(left) == 0 && s.openRow(filepath.Dir(fmt.Sprintf("job%03d/out", s.jobs))) == "" {
			return 0
		}
	}
	return 0
}

// processes finds those of the program that run a command in the dataset.
func (s *killing) processes(command string) (pids []int) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		dir := filepath.Dir(file)
		text, _ := os.ReadFile(file)
		words := strings.Split(string(text), "\x00")
		if len(words) < 2 || words[0] != s.Bin || words[1] != command {
			continue
		}
		if cwd, err := os.Readlink(filepath.Join(dir, "cwd")); err != nil || cwd != s.Dir {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// killProcess ends the process of a helper, which is ours: it was found by the
// program and the folder that only this test has.
func (s *killing) killProcess(pid int, delay time.Duration) {
	if pid == 0 {
		s.ended++
		return
	}
	time.Sleep(delay)
	if syscall.Kill(pid, syscall.SIGKILL) != nil {
		s.ended++
	}
}

// settled waits until no helper is at work.
func (s *killing) settled() {
	s.T.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		queue := s.Stemma()
		queue.Args = []string{"squeue"}
		if out, err := queue.CombinedOutput(); err == nil && !strings.Contains(string(out), "stemma-f") {
			return
		}
	}
	s.T.Fatalf("round %d: the helper does not end", s.round)
}
