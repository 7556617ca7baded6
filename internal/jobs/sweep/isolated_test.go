package sweep_test

import (
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/sweep"
	"github.com/stemma-data/stemma/internal/result"
)

func TestIsolatedSweep(t *testing.T) {
	b := jobstest.New(t)
	b.Write("t.csv", "x\n1\n2\n2\n")
	b.Save()
	root := jobstest.Area(t)
	sweep := func() (s string) {
		t.Helper()
		got := &result.Collector{}
		jobstest.Must(t, sweep.Run(t.Context(), b.D, b.S, sweep.Options{Table: "t.csv", Options: schedule.Options{
			Cmd: "sbatch job.sh {x}", Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root, Jobs: 1}}, got))
		for _, r := range got.Records {
			s += string(r.Status) + " "
		}
		return s
	}
	if s := sweep(); s != "ok ok ok " {
		t.Error(s)
	}
	if s := sweep(); s != "notneeded notneeded notneeded " || b.S.Count(t) != 3 {
		t.Error(s)
	}
	for _, id := range []string{"101", "102", "103"} {
		b.Wrote(id, "o", id+" made it\n")
		b.Over(t, id)
	}
	lines, err := b.Finish(finish.Options{})
	if jobstest.Must(t, err); len(lines) != 3 || b.Git("show", "HEAD~2:o")+b.Git("show", "HEAD~:o")+b.Git("show", "HEAD:o") != "101 made it102 made it103 made it" {
		t.Error(lines)
	}
}
