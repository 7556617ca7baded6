package jobs

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// All jobs are committed by one publication, after one question to the
// scheduler.
func TestFinishMany(t *testing.T) {
	n := manyJobs()
	b := newBench(t)
	b.openMany(n, true)
	s := &standIn{state: sched.Completed}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := watchHeap(t)
	start := time.Now()
	ok := 0
	must(t, Finish(t.Context(), b.d, s, FinishOptions{}, result.SinkFunc(func(r result.Record) error {
		if r.Action == ActionFinish && r.Status == result.OK {
			ok++
		}
		return nil
	})))
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	var children syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children))
	t.Logf("%d jobs: %v, heap at most %d MB, largest child %d MB, allocated %d MB", n, took, peak()>>20, children.Maxrss>>10, (after.TotalAlloc-before.TotalAlloc)>>20)
	if ok != n || s.queries != 1 || s.asked != n {
		t.Errorf("%d jobs finished, %d queries about %d jobs; want %d, 1, %d", ok, s.queries, s.asked, n, n)
	}
	if got := b.git("rev-list", "--count", "HEAD"); got != fmt.Sprint(n+2) && got != fmt.Sprint(n+3) {
		t.Errorf("%s commits for %d jobs", got, n)
	}
	if got := b.git("status", "--porcelain"); got != "" {
		t.Errorf("the work tree is not clean:\n%.500s", got)
	}
	if loose := b.git("count-objects"); n >= 100 && len(loose) > len("9999 objects, 99999 kilobytes") {
		t.Errorf("the objects are not in a pack: %s", loose)
	}
}
