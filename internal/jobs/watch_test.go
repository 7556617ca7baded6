package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

func TestWatchCommitsAsJobsComplete(t *testing.T) {
	b := newBench(t)
	one := b.submit(ScheduleOptions{Outputs: []string{"one"}})
	two := b.submit(ScheduleOptions{Outputs: []string{"two"}})
	three := ""
	lines, pauses, last, err := b.watch(FinishOptions{},
		nil, nil, nil, nil, nil,
		func() { b.write("one", "1"); b.s.set(t, one, "COMPLETED") },
		func() { three = b.submit(ScheduleOptions{Outputs: []string{"three"}}) }, // joins in
		func() { b.s.set(t, two, "FAILED") },
		nil,
		func() { b.write("three", "3"); b.s.set(t, three, "COMPLETED") },
	)
	must(t, err)
	want := "ok Slurm job 101: Completed\nimpossible Slurm job(s) for job 102 are not complete.Statuses: 102: FAILED\nok Slurm job 103: Completed"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("records:\n%s\nwant:\n%s", got, want)
	}
	if got, want := fmt.Sprint(pauses), "[40 60 90 135 180 180 40 40 40 60]"; got != want {
		t.Errorf("pauses %s, want %s", got, want)
	}
	if b.s.queries != len(pauses)+1 {
		t.Errorf("%d queries in %d rounds", b.s.queries, len(pauses)+1)
	}
	if last.Committed != 2 || last.Left != 1 || last.Open() != 0 || last.Pause != 0 {
		t.Errorf("ends with %+v", last)
	}
	if got := b.states(); got != "closed:committed open: closed:committed" {
		t.Errorf("states %s", got)
	}
}

func TestWatchEndsAtOnceWithoutJobs(t *testing.T) {
	b := newBench(t)
	lines, pauses, _, err := b.watch(FinishOptions{})
	if err != nil || len(lines)+len(pauses) > 0 {
		t.Errorf("%v %v %v", lines, pauses, err)
	}
}

func TestWatchOneJob(t *testing.T) {
	b := newBench(t)
	one := b.submit(ScheduleOptions{Outputs: []string{"one"}})
	b.submit(ScheduleOptions{Outputs: []string{"two"}})
	lines, pauses, _, err := b.watch(FinishOptions{JobID: one}, func() { b.write("one", "1"); b.s.set(t, one, "COMPLETED") })
	if err != nil || len(lines) != 1 || len(pauses) != 1 {
		t.Errorf("%v %v %v", lines, pauses, err)
	}
	if got := b.states(); got != "closed:committed open:" {
		t.Errorf("states %s", got)
	}
	_, _, _, err = b.watch(FinishOptions{JobID: "999"})
	wantErr(t, err, "no such job")
}

func TestWatchIsInterrupted(t *testing.T) {
	b := newBench(t)
	b.submit(ScheduleOptions{Outputs: []string{"one"}})
	lines, _, last, err := b.watch(FinishOptions{})
	if !errors.Is(err, context.Canceled) || len(lines) > 0 || last.Live[sched.Pending] != 1 {
		t.Errorf("%v %+v %v", lines, last, err)
	}
	if got := b.states(); got != "open:" {
		t.Errorf("states %s", got)
	}
}

// While the scheduler does not answer nothing is concluded, and a job that
// lacks an output is told of once.
func TestWatchInBadWeather(t *testing.T) {
	b := newBench(t)
	one := b.submit(ScheduleOptions{Outputs: []string{"one"}})
	two := b.submit(ScheduleOptions{Outputs: []string{"two"}})
	b.s.mute = true
	b.s.set(t, one, "COMPLETED")
	lines, pauses, _, err := b.watch(FinishOptions{},
		func() { b.s.mute = false },
		nil,
		func() { b.write("one", "1") },
		func() { b.write("two", "2"); b.s.set(t, two, "COMPLETED") },
	)
	must(t, err)
	if n := strings.Count(b.log.String(), "the state of 2 job(s) is not known: the scheduler does not know it"); n != 1 {
		t.Errorf("said %d times why nothing is known:\n%s", n, b.log)
	}
	if len(pauses) != 4 || len(lines) != 3 || !strings.Contains(lines[0], "declared output is missing: one") {
		t.Errorf("%v %q", pauses, lines)
	}
	if got := b.states(); got != "closed:committed closed:committed" {
		t.Errorf("states %s", got)
	}
}

// A scheduler that never answers does not keep a watch going for ever.
func TestWatchGivesUp(t *testing.T) {
	b := newBench(t)
	one := b.submit(ScheduleOptions{Outputs: []string{"one"}})
	b.s.mute = true
	_, pauses, _, err := b.watch(FinishOptions{}, make([]func(), 2000)...)
	wantErr(t, err, "the states of 1 job(s) have not been known for 24h0m0s")
	if hours := len(pauses) * 180 / 3600; hours < 23 || hours > 25 {
		t.Errorf("after %d pauses", len(pauses))
	}
	if got := b.states(); got != "open:" {
		t.Errorf("states %s", got)
	}
	b.s.mute = false
	b.write("one", "1")
	b.s.set(t, one, "COMPLETED")
	_, _, _, err = b.watch(FinishOptions{})
	must(t, err)
}

func TestWatchAsksTheEmbeddedSchedulerMoreOften(t *testing.T) {
	b := newBench(t)
	local := otherSched{b.s}
	must(t, Schedule(t.Context(), b.d, local, ScheduleOptions{Cmd: "sbatch job.sh", Outputs: []string{"one"}}, discard))
	ctx, cancel := context.WithCancel(t.Context())
	var pauses []time.Duration
	err := WatchFinish(ctx, b.d, local, WatchOptions{Sleep: func(ctx context.Context, pause time.Duration) error {
		if pauses = append(pauses, pause); len(pauses) == 3 {
			cancel()
		}
		return ctx.Err()
	}}, discard)
	if got, want := fmt.Sprint(pauses), "[2s 3s 4.5s]"; got != want || !errors.Is(err, context.Canceled) {
		t.Errorf("pauses %s, want %s (%v)", got, want, err)
	}
}
