package jobs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// standIn is a scheduler that knows every job, and needs no files for it.
type standIn struct {
	fakeSched
	state sched.State
	asked int
}

func (s *standIn) Query(_ context.Context, qs []sched.Query) (map[string]sched.Status, error) {
	s.queries++
	m := make(map[string]sched.Status, len(qs))
	for _, q := range qs {
		s.asked++
		t := sched.Task{ID: q.ID, State: s.state, Raw: string(s.state)}
		m[q.ID] = sched.Status{ID: q.ID, State: s.state, Text: string(s.state), Tasks: []sched.Task{t}}
	}
	return m, nil
}

// manyJobs is how many jobs the tests of scale work with: 300, or the number
// in STEMMA_JOBS.
func manyJobs() int {
	if n, err := strconv.Atoi(os.Getenv("STEMMA_JOBS")); err == nil {
		return n
	}
	return 300
}

// openMany writes open jobs into the ledger, each with four outputs: two go to
// git and two to the annex.
func (b *bench) openMany(n int, withFiles bool) {
	b.t.Helper()
	branch, blob := b.git("symbolic-ref", "HEAD"), b.git("rev-parse", "HEAD:in.txt")
	l, err := ledger.Open(b.t.Context(), commit.StateDir(b.d.Repo))
	must(b.t, err)
	defer l.Close()
	must(b.t, l.Update(b.t.Context(), func(tx *ledger.Tx) error {
		for i := range n {
			dir := fmt.Sprintf("runs/%d/%d", i/100, i)
			files := []string{dir + "/a.txt", dir + "/b.txt", dir + "/c.bin", dir + "/d.bin"}
			j := &ledger.Job{
				JobID: fmt.Sprint(1000 + i), Scheduler: "slurm", WorkTree: b.d.Path(), Branch: branch, DSID: b.d.ID, Pwd: ".",
				Cmd: "sbatch job.sh", Expanded: "sbatch job.sh", Outputs: files, Claims: files, State: ledger.StateOpen, Chain: []string{},
				Inputs: []string{"in.txt"}, InputIDs: map[string]string{"in.txt": blob}, SubmittedAt: time.Unix(int64(i), 0), SubmitFile: filepath.Join(submitDir(b.d), fmt.Sprint(i)),
			}
			if err := tx.Claim(j, false); err != nil {
				return err
			}
			if !withFiles {
				continue
			}
			must(b.t, os.MkdirAll(filepath.Join(b.dir, dir), 0o755))
			for k, f := range files {
				text := fmt.Sprintf("result %d %d\n", i, k)
				if k > 1 {
					text = "\x00\x01" + text
				}
				must(b.t, os.WriteFile(filepath.Join(b.dir, f), []byte(text), 0o644))
			}
		}
		return nil
	}))
}

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

// watchHeap samples the heap; the result tells the largest size seen.
func watchHeap(t testing.TB) (peak func() uint64) {
	debug.FreeOSMemory()
	stop, done := make(chan bool), make(chan uint64)
	go func() {
		var most uint64
		var m runtime.MemStats
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				done <- most
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(stop); return <-done }
}

// The list of open jobs asks the scheduler once, and past jobs cost nothing.
func TestListMany(t *testing.T) {
	n := manyJobs()
	b := newBench(t)
	b.openMany(n, false)
	s := &standIn{state: sched.Running}
	start := time.Now()
	rows, err := List(t.Context(), b.d, s, ListOptions{All: true, Recent: 20})
	must(t, err)
	t.Logf("%d jobs: %v", n, time.Since(start))
	if len(rows) != n || s.queries != 1 || s.asked != n {
		t.Errorf("%d rows, %d queries about %d jobs", len(rows), s.queries, s.asked)
	}
}

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
