package finish_test

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// All jobs are committed by one publication, after one question to the
// scheduler.
func TestFinishMany(t *testing.T) {
	n := jobstest.ManyJobs()
	b := jobstest.New(t)
	b.OpenMany(n, true)
	s := &jobstest.StandIn{State: sched.Completed}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := jobstest.WatchHeap(t)
	start := time.Now()
	ok := 0
	jobstest.Must(t, finish.Run(t.Context(), b.D, s, finish.Options{}, result.SinkFunc(func(r result.Record) error {
		if r.Action == finish.Action && r.Status == result.OK {
			ok++
		}
		return nil
	})))
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	var children syscall.Rusage
	jobstest.Must(t, syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children))
	t.Logf("%d jobs: %v, heap at most %d MB, largest child %d MB, allocated %d MB", n, took, peak()>>20, children.Maxrss>>10, (after.TotalAlloc-before.TotalAlloc)>>20)
	if ok != n || s.Queries != 1 || s.Asked != n {
		t.Errorf("%d jobs finished, %d queries about %d jobs; want %d, 1, %d", ok, s.Queries, s.Asked, n, n)
	}
	if got := b.Git("rev-list", "--count", "HEAD"); got != fmt.Sprint(n+2) && got != fmt.Sprint(n+3) {
		t.Errorf("%s commits for %d jobs", got, n)
	}
	if got := b.Git("status", "--porcelain"); got != "" {
		t.Errorf("the work tree is not clean:\n%.500s", got)
	}
	if loose := b.Git("count-objects"); n >= 100 && len(loose) > len("9999 objects, 99999 kilobytes") {
		t.Errorf("the objects are not in a pack: %s", loose)
	}
}
