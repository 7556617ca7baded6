package schedule_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
)

// Scheduling beside many open jobs costs what it costs beside none. Times are
// shown only: the machine is shared.
func TestScheduleBesideMany(t *testing.T) {
	n := jobstest.ManyJobs()
	cost := func(open int) time.Duration {
		b := jobstest.New(t)
		b.OpenMany(open, false)
		var all []time.Duration
		for i := range 15 {
			b.Reopen("")
			start := time.Now()
			b.Submit(schedule.Options{Outputs: []string{fmt.Sprint("new/o", i)}, Inputs: []string{"in.txt"}})
			all = append(all, time.Since(start))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	t.Logf("median of one schedule: %v beside none, %v beside %d", cost(0), cost(n), n)
}
