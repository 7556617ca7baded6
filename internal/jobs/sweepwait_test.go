package jobs

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/result"
)

// TestSweepOfPipeline schedules a second layer over a first one, of which one
// job is completed, one failed and one is still to run.
func TestSweepOfPipeline(t *testing.T) {
	b := newBench(t)
	b.write("t.csv", "n\na\nb\nc\n")
	sweep := func(opt ScheduleOptions) (ok, failed []string) {
		got := &result.Collector{}
		err := Sweep(t.Context(), b.d, b.s, SweepOptions{ScheduleOptions: opt, Table: "t.csv"}, got)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Records {
			if r.Action == ActionSchedule && r.Status == result.OK {
				ok = append(ok, r.String("message"))
			} else if r.Action == ActionSchedule {
				failed = append(failed, r.String("message"))
			}
		}
		return ok, failed
	}
	if ok, failed := sweep(ScheduleOptions{Cmd: "sbatch job.sh {n}", Outputs: []string{"one/{n}"}}); len(ok) != 3 {
		t.Fatal(ok, failed)
	}
	args := map[string]string{}
	for _, j := range b.jobs() {
		args[b.s.read(j.JobID, "args")] = j.JobID
	}
	b.s.set(t, args["job.sh a"], "COMPLETED")
	b.write("one/a", "a")
	b.s.set(t, args["job.sh b"], "FAILED")
	before := b.s.queries
	ok, failed := sweep(ScheduleOptions{Cmd: "sbatch job.sh second {n}", Inputs: []string{"one/{n}"}, Outputs: []string{"two/{n}"}})
	if len(ok) != 2 || len(failed) != 1 || !strings.Contains(failed[0], "row 2: input one/b will be produced by job "+args["job.sh b"]+", which is FAILED") {
		t.Error(ok, failed)
	}
	if n := b.s.queries - before; n > 3 {
		t.Errorf("%d queries", n)
	}
	var lines []string
	for _, j := range b.jobs()[3:] {
		lines = append(lines, b.s.read(j.JobID, "args"))
	}
	text := strings.Join(lines, "|")
	if !strings.Contains(text, "job.sh second a") || !strings.Contains(text, "--dependency=afterok:"+args["job.sh c"]+" job.sh second c") {
		t.Error(text)
	}
	if got := b.git("log", "-1", "--format=%s"); !strings.Contains(got, "Slurm job "+args["job.sh a"]+": Completed") {
		t.Error(got)
	}
}
