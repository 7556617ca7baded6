package sweep_test

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/sweep"
	"github.com/stemma-data/stemma/internal/result"
)

// TestSweepOfPipeline schedules a second layer over a first one, of which one
// job is completed, one failed and one is still to run.
func TestSweepOfPipeline(t *testing.T) {
	b := jobstest.New(t)
	b.Write("t.csv", "n\na\nb\nc\n")
	sweep := func(opt schedule.Options) (ok, failed []string) {
		got := &result.Collector{}
		err := sweep.Run(t.Context(), b.D, b.S, sweep.Options{Options: opt, Table: "t.csv"}, got)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Records {
			if r.Action == schedule.Action && r.Status == result.OK {
				ok = append(ok, r.String("message"))
			} else if r.Action == schedule.Action {
				failed = append(failed, r.String("message"))
			}
		}
		return ok, failed
	}
	if ok, failed := sweep(schedule.Options{Cmd: "sbatch job.sh {n}", Outputs: []string{"one/{n}"}}); len(ok) != 3 {
		t.Fatal(ok, failed)
	}
	args := map[string]string{}
	for _, j := range b.Jobs() {
		args[b.S.Read(j.JobID, "args")] = j.JobID
	}
	b.S.Set(t, args["job.sh a"], "COMPLETED")
	b.Write("one/a", "a")
	b.S.Set(t, args["job.sh b"], "FAILED")
	before := b.S.Queries
	ok, failed := sweep(schedule.Options{Cmd: "sbatch job.sh second {n}", Inputs: []string{"one/{n}"}, Outputs: []string{"two/{n}"}})
	if len(ok) != 2 || len(failed) != 1 || !strings.Contains(failed[0], "row 2: input one/b will be produced by job "+args["job.sh b"]+", which is FAILED") {
		t.Error(ok, failed)
	}
	if n := b.S.Queries - before; n > 3 {
		t.Errorf("%d queries", n)
	}
	var lines []string
	for _, j := range b.Jobs()[3:] {
		lines = append(lines, b.S.Read(j.JobID, "args"))
	}
	text := strings.Join(lines, "|")
	if !strings.Contains(text, "job.sh second a") || !strings.Contains(text, "--dependency=afterok:"+args["job.sh c"]+" job.sh second c") {
		t.Error(text)
	}
	if got := b.Git("log", "-1", "--format=%s"); !strings.Contains(got, "Slurm job "+args["job.sh a"]+": Completed") {
		t.Error(got)
	}
}
