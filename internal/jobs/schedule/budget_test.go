package schedule_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobstest"
)

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
	b := jobstest.New(t)
	var index strings.Builder
	blob := b.Git("rev-parse", "HEAD:in.txt")
	for i := range size {
		fmt.Fprintf(&index, "100644 %s\tmany/%d/%d\n", blob, i/500, i)
	}
	if _, err := b.D.Repo.OutputWith(t.Context(), []byte(index.String()), "update-index", "--index-info"); err != nil {
		t.Fatal(err)
	}
	b.Git("commit", "-q", "-m", "many")
	b.Git("checkout", "-q", ".")
	b.Git("gc", "-q")
	b.Run(jobstest.Command{Cmd: "sbatch job.sh", Outputs: []string{"warm"}})
	calls, programs, text := b.Traced(jobstest.Command{Cmd: "sbatch job.sh", Outputs: []string{"o.txt", "o.dat"}, Inputs: []string{"in.txt"}})
	t.Logf("schedule: %d calls, %d programs: %v", calls, len(programs), programs)
	if calls > 100 {
		t.Errorf("schedule: %d calls\n%s", calls, text)
	}
	b.Write("o.txt", "text\n")
	b.Write("o.dat", "\x01bin")
	b.S.Set(t, "102", "COMPLETED")
	calls, programs, text = b.Traced(jobstest.Command{Finish: true})
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
		b := jobstest.New(t)
		for i := range inputs {
			b.Write(fmt.Sprintf("in/%d.txt", i), fmt.Sprintf("input %d\n", i))
			b.Write(fmt.Sprintf("in/%d.dat", i), fmt.Sprintf("\x01input %d", i))
		}
		b.Save()
		var index strings.Builder
		for i := range others {
			fmt.Fprintf(&index, "100644 %s\tmany/%d/%d\n", b.Git("rev-parse", "HEAD:in.txt"), i/500, i)
		}
		if _, err := b.D.Repo.OutputWith(t.Context(), []byte(index.String()), "update-index", "--index-info"); err != nil {
			t.Fatal(err)
		}
		b.Git("commit", "-q", "--allow-empty", "-m", "many")
		b.Git("repack", "-adq")
		spec := jobstest.Command{Cmd: "sbatch job.sh", Outputs: []string{"o"}, Inputs: []string{"in"}, Isolated: jobstest.Area(t)}
		b.Run(spec)
		calls, list, text := b.Traced(spec)
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
