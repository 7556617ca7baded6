package sweep_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/jobs/sweep"
	"github.com/stemma-data/stemma/internal/result"
)

// TestSweepCycle: rows that wait for each other are refused as a whole; rows
// that follow each other are not.
func TestSweepCycle(t *testing.T) {
	b := jobstest.New(t)
	for _, c := range []struct{ name, table, want string }{
		{"two", "i,o\nb,a\na,b\n", "row 1 needs b of row 2, row 2 needs a of row 1"},
		{"itself", "i,o\nin.txt,x\nc,c\n", "row 2 needs c of row 2"},
		{"below a folder, among others", "i,o\nin.txt,x1\nx1,x2\nx9/f,x8\nx2,x4\nx8/g,x9\n", "row 3 needs x9/f of row 5, row 5 needs x8/g of row 3"},
		{"none", "i,o\nin.txt,y1\ny1,y2\ny2,y3\ny1,y4\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := filepath.Join(t.TempDir(), "t.csv")
			jobstest.Must(t, os.WriteFile(table, []byte(c.table), 0o644))
			err := sweep.Run(t.Context(), b.D, b.S, sweep.Options{Table: table, Options: schedule.Options{
				Cmd: "sbatch job.sh", Inputs: []string{"{i}"}, Outputs: []string{"{o}"}, DryRun: dryRunOf(c.want)}}, result.Discard)
			if c.want == "" {
				jobstest.Must(t, err)
				return
			}
			jobstest.WantErr(t, err, "the rows wait for each other: "+c.want)
			if n := len(b.Jobs()); n != 0 {
				t.Errorf("%d jobs", n)
			}
		})
	}
}

// dryRunOf does nothing where a sweep is expected to pass.
func dryRunOf(want string) string {
	if want == "" {
		return "basic"
	}
	return ""
}
