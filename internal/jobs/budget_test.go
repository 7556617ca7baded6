package jobs

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var quotedPath = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)

// TestBudgets holds the number of calls on repository paths below what the
// main job promises, whatever the size of the repository.
func TestBudgets(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("strace is missing")
		}
		t.Skip("strace is missing")
	}
	size := 2000
	if os.Getenv("STEMMA_BIG") != "" {
		size = 50000
	}
	b := newBench(t)
	var index strings.Builder
	blob := b.git("rev-parse", "HEAD:in.txt")
	for i := range size {
		fmt.Fprintf(&index, "100644 %s\tmany/%d/%d\n", blob, i/500, i)
	}
	if _, err := b.d.Repo.OutputWith(t.Context(), []byte(index.String()), "update-index", "--index-info"); err != nil {
		t.Fatal(err)
	}
	b.git("commit", "-q", "-m", "many")
	b.git("checkout", "-q", ".")
	b.git("gc", "-q")
	b.run(childSpec{Cmd: "sbatch job.sh", Outputs: []string{"warm"}})
	calls, programs, text := b.traced(childSpec{Cmd: "sbatch job.sh", Outputs: []string{"o.txt", "o.dat"}, Inputs: []string{"in.txt"}})
	t.Logf("schedule: %d calls, %d programs: %v", calls, len(programs), programs)
	if calls > 100 {
		t.Errorf("schedule: %d calls\n%s", calls, text)
	}
	b.write("o.txt", "text\n")
	b.write("o.dat", "\x01bin")
	b.s.set(t, "102", "COMPLETED")
	calls, programs, text = b.traced(childSpec{Finish: true})
	t.Logf("finish: %d calls, %d programs: %v", calls, len(programs), programs)
	if calls > 450 || len(programs) > 11 {
		t.Errorf("finish: %d calls, programs %v\n%s", calls, programs, text)
	}
	if os.Getenv("STEMMA_TRACE") != "" {
		t.Log(text)
	}
}

// An isolated job costs a few calls for each of its inputs, no process for any,
// and the same in a large repository.
func TestIsolatedBudget(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("strace is missing")
		}
		t.Skip("strace is missing")
	}
	measure := func(inputs, others int) (calls, programs int) {
		b := newBench(t)
		for i := range inputs {
			b.write(fmt.Sprintf("in/%d.txt", i), fmt.Sprintf("input %d\n", i))
			b.write(fmt.Sprintf("in/%d.dat", i), fmt.Sprintf("\x01input %d", i))
		}
		b.save()
		var index strings.Builder
		for i := range others {
			fmt.Fprintf(&index, "100644 %s\tmany/%d/%d\n", b.git("rev-parse", "HEAD:in.txt"), i/500, i)
		}
		if _, err := b.d.Repo.OutputWith(t.Context(), []byte(index.String()), "update-index", "--index-info"); err != nil {
			t.Fatal(err)
		}
		b.git("commit", "-q", "--allow-empty", "-m", "many")
		b.git("repack", "-adq")
		spec := childSpec{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Inputs: []string{"in"}, Isolated: area(t)}
		b.run(spec)
		calls, list, text := b.traced(spec)
		if os.Getenv("STEMMA_TRACE") != "" {
			t.Log(text)
		}
		return calls, len(list)
	}
	few, programs := measure(5, 10)
	large, programsLarge := measure(5, 1500)
	many, programsMany := measure(25, 10)
	t.Logf("10 inputs: %d calls, %d in a large repository; 50 inputs: %d calls; %d programs", few, large, many, programs)
	const most = 7 // ourselves, two of git, the line with its shell, and what the stand-in for sbatch runs
	if large > few+10 || many-few > 40*6 || max(programs, programsLarge, programsMany) > most || few > 200 {
		t.Errorf("%d, %d, %d calls, %d, %d, %d programs", few, large, many, programs, programsLarge, programsMany)
	}
}
