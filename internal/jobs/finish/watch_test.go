package finish_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/jobs/finish"
	"github.com/stemma-data/stemma/internal/jobs/jobstest"
	"github.com/stemma-data/stemma/internal/jobs/schedule"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

func TestWatchCommitsAsJobsComplete(t *testing.T) {
	b := jobstest.New(t)
	one := b.Submit(schedule.Options{Outputs: []string{"one"}})
	two := b.Submit(schedule.Options{Outputs: []string{"two"}})
	three := ""
	lines, pauses, last, err := b.Watch(finish.Options{},
		nil, nil, nil, nil, nil,
		func() { b.Write("one", "1"); b.S.Set(t, one, "COMPLETED") },
		func() { three = b.Submit(schedule.Options{Outputs: []string{"three"}}) }, // joins in
		func() { b.S.Set(t, two, "FAILED") },
		nil,
		func() { b.Write("three", "3"); b.S.Set(t, three, "COMPLETED") },
	)
	jobstest.Must(t, err)
	want := "ok Slurm job 101: Completed\nimpossible Slurm job(s) for job 102 are not complete.Statuses: 102: FAILED\nok Slurm job 103: Completed"
	if got := strings.Join(lines, "\n"); got != want {
		t.Errorf("records:\n%s\nwant:\n%s", got, want)
	}
	if got, want := fmt.Sprint(pauses), "[40 60 90 135 180 180 40 40 40 60]"; got != want {
		t.Errorf("pauses %s, want %s", got, want)
	}
	if b.S.Queries != len(pauses)+1 {
		t.Errorf("%d queries in %d rounds", b.S.Queries, len(pauses)+1)
	}
	if last.Committed != 2 || last.Left != 1 || last.Open() != 0 || last.Pause != 0 {
		t.Errorf("ends with %+v", last)
	}
	if got := b.States(); got != "closed:committed open: closed:committed" {
		t.Errorf("states %s", got)
	}
}

func TestWatchEndsAtOnceWithoutJobs(t *testing.T) {
	b := jobstest.New(t)
	lines, pauses, _, err := b.Watch(finish.Options{})
	if err != nil || len(lines)+len(pauses) > 0 {
		t.Errorf("%v %v %v", lines, pauses, err)
	}
}

func TestWatchOneJob(t *testing.T) {
	b := jobstest.New(t)
	one := b.Submit(schedule.Options{Outputs: []string{"one"}})
	b.Submit(schedule.Options{Outputs: []string{"two"}})
	lines, pauses, _, err := b.Watch(finish.Options{JobID: one}, func() { b.Write("one", "1"); b.S.Set(t, one, "COMPLETED") })
	if err != nil || len(lines) != 1 || len(pauses) != 1 {
		t.Errorf("%v %v %v", lines, pauses, err)
	}
	if got := b.States(); got != "closed:committed open:" {
		t.Errorf("states %s", got)
	}
	_, _, _, err = b.Watch(finish.Options{JobID: "999"})
	jobstest.WantErr(t, err, "no such job")
}

func TestWatchIsInterrupted(t *testing.T) {
	b := jobstest.New(t)
	b.Submit(schedule.Options{Outputs: []string{"one"}})
	lines, _, last, err := b.Watch(finish.Options{})
	if !errors.Is(err, context.Canceled) || len(lines) > 0 || last.Live[sched.Pending] != 1 {
		t.Errorf("%v %+v %v", lines, last, err)
	}
	if got := b.States(); got != "open:" {
		t.Errorf("states %s", got)
	}
}

// While the scheduler does not answer nothing is concluded, and a job that
// lacks an output is told of once.
func TestWatchInBadWeather(t *testing.T) {
	b := jobstest.New(t)
	one := b.Submit(schedule.Options{Outputs: []string{"one"}})
	two := b.Submit(schedule.Options{Outputs: []string{"two"}})
	b.S.Mute = true
	b.S.Set(t, one, "COMPLETED")
	lines, pauses, _, err := b.Watch(finish.Options{},
		func() { b.S.Mute = false },
		nil,
		func() { b.Write("one", "1") },
		func() { b.Write("two", "2"); b.S.Set(t, two, "COMPLETED") },
	)
	jobstest.Must(t, err)
	if n := strings.Count(b.Log.String(), "the state of 2 job(s) is not known: the scheduler does not know it"); n != 1 {
		t.Errorf("said %d times why nothing is known:\n%s", n, b.Log)
	}
	if len(pauses) != 4 || len(lines) != 3 || !strings.Contains(lines[0], "declared output is missing: one") {
		t.Errorf("%v %q", pauses, lines)
	}
	if got := b.States(); got != "closed:committed closed:committed" {
		t.Errorf("states %s", got)
	}
}

// A scheduler that never answers does not keep a watch going for ever.
func TestWatchGivesUp(t *testing.T) {
	b := jobstest.New(t)
	one := b.Submit(schedule.Options{Outputs: []string{"one"}})
	b.S.Mute = true
	_, pauses, _, err := b.Watch(finish.Options{}, make([]func(), 2000)...)
	jobstest.WantErr(t, err, "the states of 1 job(s) have not been known for 24h0m0s")
	if hours := len(pauses) * 180 / 3600; hours < 23 || hours > 25 {
		t.Errorf("after %d pauses", len(pauses))
	}
	if got := b.States(); got != "open:" {
		t.Errorf("states %s", got)
	}
	b.S.Mute = false
	b.Write("one", "1")
	b.S.Set(t, one, "COMPLETED")
	_, _, _, err = b.Watch(finish.Options{})
	jobstest.Must(t, err)
}

func TestWatchAsksTheEmbeddedSchedulerMoreOften(t *testing.T) {
	b := jobstest.New(t)
	local := jobstest.OtherSched{Scheduler: b.S}
	jobstest.Must(t, schedule.Run(t.Context(), b.D, local, schedule.Options{Cmd: "sbatch job.sh", Outputs: []string{"one"}}, result.Discard))
	ctx, cancel := context.WithCancel(t.Context())
	var pauses []time.Duration
	err := finish.Watch(ctx, b.D, local, finish.WatchOptions{Sleep: func(ctx context.Context, pause time.Duration) error {
		if pauses = append(pauses, pause); len(pauses) == 3 {
			cancel()
		}
		return ctx.Err()
	}}, result.Discard)
	if got, want := fmt.Sprint(pauses), "[2s 3s 4.5s]"; got != want || !errors.Is(err, context.Canceled) {
		t.Errorf("pauses %s, want %s (%v)", got, want, err)
	}
}
