package crash

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

const writers = 16

// atOnce starts all commands at the same time; each must succeed.
func (s *story) atOnce(cmds []*exec.Cmd) {
	s.T.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, cmd := range cmds {
		wg.Go(func() {
			<-start
			if out, err := cmd.CombinedOutput(); err != nil {
				s.T.Errorf("%v: %v\n%s", cmd.Args, err, out)
			}
		})
	}
	close(start)
	wg.Wait()
	if s.T.Failed() {
		s.T.FailNow()
	}
}

func (s *story) runs(n int) (cmds []*exec.Cmd) {
	maker := s.maker()
	for i := range n {
		name := fmt.Sprintf("run%02d/out", i)
		s.made(name, "")
		cmds = append(cmds, s.Stemma("run", "--explicit", "-m", "make "+name, "-o", name+".txt", "-o", name+".bin", maker, name))
	}
	return cmds
}

func (s *story) checkRuns(n int) {
	s.T.Helper()
	for i := range n {
		if n := s.records(fmt.Sprintf("[DATALAD RUNCMD] make run%02d/out", i)); n != 1 {
			s.T.Errorf("run %d has %d records", i, n)
		}
	}
	s.verify()
	s.Check()
}

// Sixteen runs in one clone at once leave sixteen records.
func TestSixteenRunsAtOnce(t *testing.T) {
	s := newStory(t)
	s.NeedCommand(t, "run")
	s.atOnce(s.runs(writers))
	s.checkRuns(writers)
}

// Sixteen saves of distinct paths make sixteen commits.
func TestSixteenSavesAtOnce(t *testing.T) {
	s := newStory(t)
	var cmds []*exec.Cmd
	for i := range writers {
		dir := fmt.Sprintf("save%02d", i)
		s.write(dir+"/a.txt", dir)
		s.write(dir+"/b.bin", rig.Binary(dir, 4000))
		cmds = append(cmds, s.Stemma("save", "-m", "save "+dir, dir))
	}
	before := s.commits()
	s.atOnce(cmds)
	if made := s.commits() - before; made != writers {
		t.Errorf("%d commits", made)
	}
	s.verify()
	s.Check()
}

// beside runs a loop of another program while the work goes on.
func (s *story) beside(loop func(i int), work func()) (rounds int) {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ; ctx.Err() == nil; rounds++ {
			loop(rounds)
		}
	})
	defer wg.Wait()
	defer stop()
	work()
	time.Sleep(50 * time.Millisecond)
	stop()
	wg.Wait()
	return rounds
}

// userCommand runs a command of the user's, who tries again while git says
// that somebody else is at work. git-annex passes that message on and exits
// with 0 all the same: the message decides.
func (s *story) userCommand(name string, args ...string) {
	for range 500 {
		out, err := s.Try(name, args...)
		busy := strings.Contains(out, ".lock") || strings.Contains(out, "cannot lock ref") || strings.Contains(out, "but expected")
		switch {
		case err == nil && !busy:
			return
		case !busy:
			s.T.Errorf("%s %v: %v\n%s", name, args, err, out)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.T.Errorf("%s %v never got its turn", name, args)
}

// A user who commits beside the writers loses nothing, nor do they.
func TestUserCommitsBesideRuns(t *testing.T) {
	s := newStory(t)
	s.NeedCommand(t, "run")
	cmds := s.runs(8)
	n := s.beside(func(i int) {
		name := fmt.Sprintf("user%03d.txt", i)
		s.write(name, name)
		s.userCommand("git", "add", name)
		s.userCommand("git", "commit", "-q", "-m", "by hand "+name)
	}, func() { s.atOnce(cmds) })
	t.Logf("%d commits by hand", n)
	for i := range n {
		if n := s.records(fmt.Sprintf("by hand user%03d.txt", i)); n != 1 {
			t.Errorf("commit by hand %d is there %d times", i, n)
		}
	}
	s.checkRuns(8)
}

// git-annex works beside the writers, on the same branch and index.
func TestGitAnnexBesideRuns(t *testing.T) {
	s := newStory(t)
	s.NeedCommand(t, "run")
	cmds := s.runs(8)
	n := s.beside(func(i int) {
		name := fmt.Sprintf("annexed%03d.bin", i)
		s.write(name, rig.Binary(name, 1000))
		s.userCommand("git", "annex", "add", "--quiet", name)
		s.userCommand("git", "annex", "metadata", "--quiet", "keep/data.bin", "-s", fmt.Sprintf("round+=%d", i))
	}, func() { s.atOnce(cmds) })
	s.Git("commit", "-q", "-m", "what git-annex added")
	t.Logf("%d rounds of git-annex", n)
	got := strings.Fields(s.Git("annex", "metadata", "--get", "round", "keep/data.bin"))
	if len(got) != n {
		t.Errorf("%d of %d values of the metadata are left", len(got), n)
	}
	s.checkRuns(8)
}

// Writers in process-id name spaces of their own, as in containers, cannot
// see whether the other one lives, and queue up all the same.
func TestWritersInPIDNamespaces(t *testing.T) {
	s := newStory(t)
	s.NeedCommand(t, "run")
	if out, err := s.Try("unshare", "-pf", "--mount-proc", "true"); err != nil {
		t.Skipf("no name spaces here: %v %s", err, out)
	}
	cmds := s.runs(4)
	for _, cmd := range cmds[:3] {
		cmd.Args = append([]string{"unshare", "-pf", "--mount-proc"}, cmd.Args...)
		cmd.Path = "/usr/bin/unshare"
	}
	s.atOnce(cmds)
	s.checkRuns(4)
}

// Of a writer that died in another name space nobody can know but by its
// silence: the next one waits for a minute, and completes.
func TestWriterKilledInAnotherPIDNamespace(t *testing.T) {
	if os.Getenv("STEMMA_SOAK") == "" {
		t.Skip("waits for minutes; set STEMMA_SOAK")
	}
	s := newStory(t)
	if out, err := s.Try("unshare", "-pf", "--mount-proc", "true"); err != nil {
		t.Skipf("no name spaces here: %v %s", err, out)
	}
	inside := func() *exec.Cmd { return s.Command("unshare", "-pf", "--mount-proc", s.Bin, "save", "-m", "inside") }
	s.change()
	total, _, err := rig.KillAt(inside(), 0, rig.All)
	if err != nil {
		t.Fatal(err)
	}
	s.verify()
	for _, n := range []int{total - 25, total - 15} {
		s.change()
		before := s.commits()
		if _, _, err := rig.KillAt(inside(), n, rig.All); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		s.afterSave(before, false)
		t.Logf("killed at step %d of %d; the next save took %v", n, total, time.Since(start).Round(time.Second))
	}
	s.Check()
}

// Four schedules of the same output at the same instant: one wins.
func TestFourSchedulesOfOneOutput(t *testing.T) {
	s := newJobStory(t)
	var wg sync.WaitGroup
	outs, won := make([]string, 4), make([]bool, 4)
	for i := range 4 {
		wg.Go(func() {
			out, err := s.Stemma("schedule", "-m", fmt.Sprint("number ", i), "-o", "job001", "sbatch", "job.sh", "job001/out").CombinedOutput()
			outs[i], won[i] = string(out), err == nil
		})
	}
	wg.Wait()
	winners := 0
	for i := range won {
		if won[i] {
			winners++
		} else if !strings.Contains(outs[i], "job001") {
			t.Errorf("the error does not name the output: %s", outs[i])
		}
	}
	if winners != 1 {
		t.Fatalf("%d schedules won\n%s", winners, strings.Join(outs, "\n"))
	}
	s.complete()
	if n := s.ran("job001/out"); n != 1 {
		t.Errorf("the job ran %d times", n)
	}
}
