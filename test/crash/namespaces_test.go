package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/test/crash/rig"
)

// writer is one command among many, and how its record is known.
type writer struct {
	args    []string
	subject string // of the commit that it makes at once; "" for none
	body    string // a line of the message, likewise
}

// crowd prepares n writers of all kinds in a story: runs, saves, finishes of
// jobs that are over, and schedules, whose jobs are finished afterwards.
func (s *jobStory) crowd(n int) (writers []writer) {
	s.T.Helper()
	maker := s.maker()
	ids := s.completed((n + 3) / 4)
	for i := range n {
		switch i % 4 {
		case 0:
			name := fmt.Sprintf("run%02d/out", i)
			s.made(name, "")
			writers = append(writers, writer{subject: "[DATALAD RUNCMD] make " + name,
				args: []string{"run", "--explicit", "-m", "make " + name, "-o", name + ".txt", "-o", name + ".bin", maker, name}})
		case 1:
			dir := fmt.Sprintf("save%02d", i)
			s.write(dir+"/a.txt", dir)
			s.write(dir+"/b.bin", rig.Binary(dir, 4000))
			writers = append(writers, writer{subject: "save " + dir, args: []string{"save", "-m", "save " + dir, dir}})
		case 2:
			name := s.name()
			s.made(name, "")
			writers = append(writers, writer{args: scheduleArgs(name)})
		case 3:
			id := ids[0]
			ids = ids[1:]
			writers = append(writers, writer{body: "schedule " + id.output, args: []string{"finish", id.job}})
		}
	}
	return writers
}

// doneJob is a job that is over and not finished.
type doneJob struct{ job, output string }

// completed schedules n jobs and waits for their end.
func (s *jobStory) completed(n int) (done []doneJob) {
	s.T.Helper()
	for range n {
		name := s.name()
		s.Run(s.Bin, scheduleArgs(name)...)
		s.made(name, "")
		done = append(done, doneJob{strings.Fields(s.openRow(filepath.Dir(name)))[0], name})
	}
	s.complete()
	return done
}

// judgeCrowd checks that every record is there once and nothing is lost.
func (s *jobStory) judgeCrowd(writers []writer) {
	s.T.Helper()
	s.complete()
	s.Run(s.Bin, "finish")
	subjects, bodies := map[string]int{}, map[string]int{}
	for line := range strings.Lines(s.Git("log", "--format=%s")) {
		subjects[strings.TrimSpace(line)]++
	}
	for line := range strings.Lines(s.Git("log", "--format=%B")) {
		bodies[strings.TrimSpace(line)]++
	}
	for _, w := range writers {
		if w.subject != "" && subjects[w.subject] != 1 {
			s.T.Errorf("%q has %d records", w.subject, subjects[w.subject])
		}
	}
	for i := range s.jobs {
		name := fmt.Sprintf("job%03d/out", i+1)
		if n := bodies["schedule "+name]; n != 1 {
			s.T.Errorf("job %s has %d records", name, n)
		}
		if n := s.ran(name); n != 1 {
			s.T.Errorf("job %s ran %d times", name, n)
		}
	}
	if out := s.Run(s.Bin, "jobs", "--open"); strings.Contains(out, "job0") {
		s.T.Errorf("jobs are open:\n%s", out)
	}
	s.logFiles()
	s.verify()
	s.Check()
}

// space is a process-id and network name space with a shell that starts
// writers, all at once when it is told to.
type space struct {
	cmd *exec.Cmd
	dir string
	n   int // writers
}

// inSpaces divides writers among name spaces. Nothing runs before start.
func (s *jobStory) inSpaces(writers []writer, k int) (spaces []*space) {
	s.T.Helper()
	stage := s.T.TempDir()
	for i := range k {
		sp := &space{dir: filepath.Join(stage, fmt.Sprint("ns", i))}
		if err := os.Mkdir(sp.dir, 0o755); err != nil {
			s.T.Fatal(err)
		}
		var script strings.Builder
		fmt.Fprintf(&script, "while [ ! -e %s/go ]; do sleep 0.01; done\n", stage)
		for j := i; j < len(writers); j += k {
			fmt.Fprintf(&script, "(%[1]s > %[2]s/%[3]d.out 2>&1; echo $? > %[2]s/%[3]d.code; mv %[2]s/%[3]d.code %[2]s/%[3]d.exit) &\nall=\"$all $!\"\n", quoted(append([]string{s.Bin}, writers[j].args...)), sp.dir, j)
			sp.n++
		}
		// The jobs of the local scheduler end with the name space.
		fmt.Fprintf(&script, "wait $all\nwhile [ ! -e %s/end ]; do sleep 0.05; done\n", stage)
		sp.cmd = s.Command("unshare", "--pid", "--net", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script.String())
		if err := sp.cmd.Start(); err != nil {
			s.T.Fatal(err)
		}
		spaces = append(spaces, sp)
	}
	s.T.Cleanup(func() {
		_ = os.WriteFile(filepath.Join(stage, "end"), nil, 0o644)
		for _, sp := range spaces {
			_ = sp.cmd.Wait()
		}
	})
	return spaces
}

func quoted(args []string) string {
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(list, " ")
}

// start lets all writers go and waits until the last one is done; each must
// succeed.
func (s *jobStory) start(spaces []*space) time.Duration {
	s.T.Helper()
	begin := time.Now()
	if err := os.WriteFile(filepath.Join(filepath.Dir(spaces[0].dir), "go"), nil, 0o644); err != nil {
		s.T.Fatal(err)
	}
	for _, sp := range spaces {
		for end := begin.Add(10 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
			exits, _ := filepath.Glob(filepath.Join(sp.dir, "*.exit"))
			if len(exits) == sp.n {
				break
			}
			if time.Now().After(end) {
				s.T.Fatalf("%d of %d writers are done", len(exits), sp.n)
			}
		}
	}
	took := time.Since(begin)
	for _, sp := range spaces {
		exits, _ := filepath.Glob(filepath.Join(sp.dir, "*.exit"))
		for _, e := range exits {
			code, _ := os.ReadFile(e)
			out, _ := os.ReadFile(strings.TrimSuffix(e, ".exit") + ".out")
			if strings.TrimSpace(string(code)) != "0" {
				s.T.Errorf("writer %s: exit %s\n%s", filepath.Base(e), code, out)
			}
		}
	}
	return took
}

// maxCrowding is by how much the same work may take longer when all writers
// come at once.
const maxCrowding = 3

// Writers of all kinds in name spaces of their own, which cannot see each
// other's processes, at once in one clone: nothing is lost, nothing doubled,
// and they do not get into each other's way.
func TestCrowdInNamespaces(t *testing.T) {
	n, k := 12, 3
	soak := os.Getenv("STEMMA_SOAK") != ""
	if soak {
		n, k = 64, 4
	}
	rnd := random(t)
	shuffle := func(list []writer, rnd *rand.Rand) []writer {
		rnd.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		return list
	}
	alone := newJobStory(t)
	if out, err := alone.Try("unshare", "--pid", "--net", "--fork", "--mount-proc", "true"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no name spaces here: %v %s", err, out)
		}
		t.Skipf("no name spaces here: %v %s", err, out)
	}
	line := shuffle(alone.crowd(n), rnd)
	begin := time.Now()
	for _, w := range line {
		alone.Run(alone.Bin, w.args...)
	}
	sequence := time.Since(begin)
	alone.judgeCrowd(line)

	s := newJobStory(t)
	writers := shuffle(s.crowd(n), rnd)
	took := s.start(s.inSpaces(writers, k))
	if t.Failed() {
		t.FailNow()
	}
	s.judgeCrowd(writers)
	ratio := took.Seconds() / sequence.Seconds()
	t.Logf("%d writers in %d name spaces took %v, one after the other %v: ratio %.2f", n, k, took.Round(time.Millisecond), sequence.Round(time.Millisecond), ratio)
	if soak && ratio > maxCrowding {
		t.Errorf("the same work takes %.1f times as long when all come at once", ratio)
	}
}
