package jobs

import (
	"strings"
	"testing"
)

// TestKilledPipelineSchedule kills a schedule that waits for another job; the
// repeated command completes it, with its dependency, and submits nothing twice.
func TestKilledPipelineSchedule(t *testing.T) {
	for _, step := range []string{"claimed", "submitted", "described", "recorded"} {
		b := newBench(t)
		b.submit(ScheduleOptions{Outputs: []string{"a"}})
		spec := childSpec{Cmd: "sbatch job.sh", Inputs: []string{"a"}, Outputs: []string{"b"}, Kill: step}
		if out, err := b.run(spec); err == nil {
			t.Fatalf("%s: not killed: %s", step, out)
		}
		spec.Kill = ""
		out, err := b.run(spec)
		if step == "recorded" {
			if err == nil || !strings.Contains(out, "claimed by job 102") {
				t.Errorf("%s: %v %s", step, err, out)
			}
		} else if err != nil {
			t.Errorf("%s: %v %s", step, err, out)
		}
		js := b.jobs()
		last := js[len(js)-1]
		if p := getProvenance(&last); b.s.count(t) != 2 || last.JobID != "102" || len(p.After) != 1 || p.Dependency != "afterok:101" {
			t.Errorf("%s: %d jobs, %+v", step, b.s.count(t), p)
		}
		if got := b.s.read("102", "dependency"); got != "afterok:101" {
			t.Errorf("%s: dependency %q", step, got)
		}
	}
}
