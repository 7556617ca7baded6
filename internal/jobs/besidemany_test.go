package jobs

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// Scheduling beside many open jobs costs what it costs beside none. Times are
// shown only: the machine is shared.
func TestScheduleBesideMany(t *testing.T) {
	n := manyJobs()
	cost := func(open int) time.Duration {
		b := newBench(t)
		b.openMany(open, false)
		var all []time.Duration
		for i := range 15 {
			b.reopen("")
			start := time.Now()
			b.submit(ScheduleOptions{Outputs: []string{fmt.Sprint("new/o", i)}, Inputs: []string{"in.txt"}})
			all = append(all, time.Since(start))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	t.Logf("median of one schedule: %v beside none, %v beside %d", cost(0), cost(n), n)
}
