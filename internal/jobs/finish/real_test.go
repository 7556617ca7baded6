package finish_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/jobs"
	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
	"github.com/stemma-data/stemma/internal/sched/slurm"
)

// TestRealSlurm runs twenty jobs on a Slurm: two fail, one is an array.
func TestRealSlurm(t *testing.T) {
	if os.Getenv("STEMMA_TEST_SLURM") == "" {
		if os.Getenv("CI") != "" && os.Getenv("STEMMA_ORACLES") != "none" {
			t.Fatal("no Slurm to test with; run scripts/with-slurm")
		}
		t.Skip("no Slurm; run by scripts/with-slurm")
	}
	b := jobstest.New(t)
	s := slurm.New(slurm.Exec(os.Environ()))
	bin := filepath.Dir(strings.TrimSuffix(lookup(t, "sbatch"), "\n"))
	b.D.Env.Vars = append(b.D.Env.Vars, "PATH="+bin+":"+os.Getenv("PATH"))
	b.Write("job.sh", "#!/bin/bash\n#SBATCH --time=1\nset -e\nout=$1\nif [ -n \"$SLURM_ARRAY_TASK_ID\" ]; then out=arr/$SLURM_ARRAY_TASK_ID.txt; fi\n"+
		"mkdir -p \"$(dirname \"$out\")\"\nhead -c 2000 /dev/zero > \"$out.dat\"\ncat in.txt > \"$out\"\n[ \"$2\" != fail ]\n")
	b.Save()
	schedule := func(cmd string, outs ...string) string {
		got := &result.Collector{}
		jobstest.Must(t, schedule.Run(t.Context(), b.D, s, schedule.Options{Cmd: cmd, Outputs: outs, Inputs: []string{"in.txt"}}, got))
		id, _ := got.Records[len(got.Records)-1].Fields["slurm_run_info"].(map[string]any)["slurm_job_id"].(string)
		return id
	}
	for i := range 19 {
		o, mode := fmt.Sprintf("r %d/o", i), "good"
		if i == 3 || i == 7 {
			mode = "fail"
		}
		schedule(fmt.Sprintf("sbatch --parsable job.sh '%s' %s", o, mode), o, o+".dat")
	}
	schedule("sbatch -a 0-3 job.sh x", "arr")
	waitFor(t, b, s)
	got := &result.Collector{}
	jobstest.Must(t, finish.Run(t.Context(), b.D, s, finish.Options{}, got))
	counts := map[result.Status]int{}
	for _, r := range got.Records {
		if r.Action == finish.Action {
			counts[r.Status]++
			if r.Status != result.OK && !strings.Contains(r.String("message"), "FAILED") {
				t.Error(r)
			}
		}
	}
	if counts[result.OK] != 18 || counts[result.Impossible] != 2 {
		t.Errorf("%v", counts)
	}
	jobstest.Must(t, finish.Run(t.Context(), b.D, s, finish.Options{CommitFailed: true}, result.Discard))
	if n := strings.Count(b.Git("log", "--format=%s"), "Slurm job"); n != 20 {
		t.Errorf("%d commits", n)
	}
	if files := b.Git("ls-files", "arr", "slurm-*_*.out"); strings.Count(files, "\n") != 11 {
		t.Errorf("array: %s", files)
	}
	t.Log(b.Git("log", "-1", "--format=%B"))
	if got := b.Git("status", "--porcelain"); got != "" {
		t.Error(got)
	}
	b.Git("fsck", "--strict")
	if _, err := exec.LookPath("git-annex"); err == nil {
		b.Git("annex", "fsck", "--quiet")
	}
}

func lookup(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	jobstest.Must(t, err)
	return p
}

func waitFor(t *testing.T, b *jobstest.Bench, s sched.Scheduler) {
	t.Helper()
	for range 120 {
		rows, err := jobs.List(t.Context(), b.D, s, jobs.ListOptions{})
		jobstest.Must(t, err)
		if !slices.ContainsFunc(rows, func(r jobs.Row) bool {
			return r.Open && !sched.ParseState(r.State).Final() && !strings.HasPrefix(r.State, "ARRAY FAILED")
		}) {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatal("the jobs do not end")
}
