package schedule_test

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
)

// BenchmarkSchedule tells what a schedule costs beside the user's own line.
func BenchmarkSchedule(b *testing.B) {
	bb := jobstest.New(b)
	line := time.Duration(0)
	for i := range b.N {
		start := time.Now()
		cmd := exec.Command("/bin/sh", "-c", "sbatch job.sh")
		cmd.Dir, cmd.Env = bb.Dir, bb.D.Env.Vars
		if err := cmd.Run(); err != nil {
			b.Fatal(err)
		}
		line += time.Since(start)
		d, err := dataset.Open(b.Context(), bb.Dir, "bench", bb.D.Env)
		if err == nil {
			err = schedule.Run(b.Context(), d, bb.S, schedule.Options{Cmd: "sbatch job.sh", Outputs: []string{fmt.Sprint("o", i)}, Inputs: []string{"in.txt"}}, result.Discard)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(line.Microseconds())/float64(b.N)/1000, "line-ms/op")
	b.ReportMetric(float64((b.Elapsed()-2*line).Microseconds())/float64(b.N)/1000, "over-ms/op")
}
