package jobs

import (
	"testing"

	"github.com/stemma-data/stemma/internal/result"
)

func TestIsolatedSweep(t *testing.T) {
	b := newBench(t)
	b.write("t.csv", "x\n1\n2\n2\n")
	b.save()
	root := area(t)
	sweep := func() (s string) {
		t.Helper()
		got := &result.Collector{}
		must(t, Sweep(t.Context(), b.d, b.s, SweepOptions{Table: "t.csv", ScheduleOptions: ScheduleOptions{
			Cmd: "sbatch job.sh {x}", Outputs: []string{"o"}, Inputs: []string{"in.txt"}, Isolated: root, Jobs: 1}}, got))
		for _, r := range got.Records {
			s += string(r.Status) + " "
		}
		return s
	}
	if s := sweep(); s != "ok ok ok " {
		t.Error(s)
	}
	if s := sweep(); s != "notneeded notneeded notneeded " || b.s.count(t) != 3 {
		t.Error(s)
	}
	for _, id := range []string{"101", "102", "103"} {
		b.wrote(id, "o", id+" made it\n")
		b.over(t, id)
	}
	lines, err := b.finish(FinishOptions{})
	if must(t, err); len(lines) != 3 || b.git("show", "HEAD~2:o")+b.git("show", "HEAD~:o")+b.git("show", "HEAD:o") != "101 made it102 made it103 made it" {
		t.Error(lines)
	}
}
