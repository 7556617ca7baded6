package schedule_test

import (
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
)

// TestKilledPipelineSchedule kills a schedule that waits for another job; the
// repeated command completes it, with its dependency, and submits nothing twice.
func TestKilledPipelineSchedule(t *testing.T) {
	for _, step := range []string{"claimed", "submitted", "described", "recorded"} {
		b := jobstest.New(t)
		b.Submit(schedule.Options{Outputs: []string{"a"}})
		spec := jobstest.Command{Cmd: "sbatch job.sh", Inputs: []string{"a"}, Outputs: []string{"b"}, Kill: step}
		if out, err := b.Run(spec); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		spec.Kill = ""
		out, err := b.Run(spec)
		if step == "recorded" {
			if err == nil || !strings.Contains(out, "claimed by job 102") {
				t.Errorf("%s: %v %s", step, err, out)
			}
		} else if err != nil {
			t.Errorf("%s: %v %s", step, err, out)
		}
		js := b.Jobs()
		last := js[len(js)-1]
		if p := jobrec.Of(&last); b.S.Count(t) != 2 || last.JobID != "102" || len(p.After) != 1 || p.Dependency != "afterok:101" {
			t.Errorf("%s: %d jobs, %+v", step, b.S.Count(t), p)
		}
		if got := b.S.Read("102", "dependency"); got != "afterok:101" {
			t.Errorf("%s: dependency %q", step, got)
		}
	}
}
