package finish

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// Pauses between two looks of Watch: short after something has changed,
// then longer, as good manners towards the scheduler demand. The embedded one
// is asked by nobody else.
const (
	watchFirst = 40 * time.Second
	watchLast  = 180 * time.Second
	localFirst = 2 * time.Second
	localLast  = 20 * time.Second
	// watchBlind is how long a watch goes on that learns nothing of any job.
	watchBlind = 24 * time.Hour
)

// WatchOptions are those of Watch.
type WatchOptions struct {
	Options
	// Progress is told after each look; nil: nobody.
	Progress func(WatchProgress)
	// Sleep waits, or returns ctx's error; nil: the clock's time.
	Sleep func(ctx context.Context, pause time.Duration) error
}

// WatchProgress tells what a look found.
type WatchProgress struct {
	Live      map[sched.State]int // jobs that are not over, by state
	Committed int                 // or closed, since the watch began
	Left      int                 // jobs that are over, and stay open: somebody must look
	Pause     time.Duration       // until the next look; 0: there is none
}

// Open is the number of jobs that are not over.
func (p WatchProgress) Open() (n int) {
	for _, k := range p.Live {
		n += k
	}
	return n
}

// Watch finishes jobs as they complete, until none is under way. It asks
// the scheduler once a round, with pauses of 40 s that grow to 180 s while
// nothing changes; shorter ones where all jobs are of this machine. Jobs that are scheduled meanwhile are watched, too. Jobs
// that are over and stay open are reported as by Finish, once; they do not keep
// the watch going, and where the scheduler tells of no job for a day it ends
// with an error. When ctx ends it returns ctx's error; nothing is lost.
func Watch(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt WatchOptions, sink result.Sink) error {
	w := &watching{sink: sink, told: map[string]bool{}}
	sleep := opt.Sleep
	if sleep == nil {
		sleep = pauseFor
	}
	if opt.JobID != "" {
		if err := w.find(ctx, d, s, opt.Options); err != nil {
			return err
		}
	}
	last, blind := "", time.Duration(0)
	for pause := time.Duration(0); ; {
		if err := w.look(ctx, d, s, opt.Options); err != nil {
			return err
		}
		now := w.picture()
		first, longest := w.pauses()
		if now == last {
			pause = min(max(pause*3/2, first), longest)
		} else {
			pause, last = first, now
		}
		over := w.Open() == 0
		if w.Pause = pause; over {
			w.Pause = 0
		}
		if opt.Progress != nil {
			opt.Progress(w.WatchProgress)
		}
		if over {
			return nil
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		if blind += pause; w.Live[sched.Unknown] < w.Open() {
			blind = 0
		}
		if blind > watchBlind {
			return w.gaveUp()
		}
	}
}

// pauses returns the first and the longest one.
func (w *watching) pauses() (first, longest time.Duration) {
	if w.near {
		return localFirst, localLast
	}
	return watchFirst, watchLast
}

// gaveUp is the end of a watch whose scheduler has not told of any job for long.
func (w *watching) gaveUp() error {
	err := fmt.Errorf("finish: the states of %d job(s) have not been known for %v", w.Open(), watchBlind)
	return errs.WithHint(err, "nothing is lost: repeat the command when the scheduler answers; jobs that it has forgotten are given up with `stemma jobs release`")
}

func pauseFor(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// watching is what is known from one look to the next. A nil one belongs to a
// finish that looks once.
type watching struct {
	WatchProgress
	sink result.Sink
	told map[string]bool // what was said of jobs that stay open
	row  int64           // the only job, 0: all
	near bool            // all are of the embedded scheduler
	ids  []string        // of jobs under way with their states, to see changes

	unclear map[string]int // why states are not known: how many jobs
	warned  map[string]bool
}

// find finds the one job that is watched.
func (w *watching) find(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options) error {
	f, err := newFinishing(ctx, d, s, opt, w)
	if err != nil {
		return err
	}
	jobs, err := f.chosen(ctx)
	if err == nil {
		w.row = jobs[0].ID
	}
	return err
}

// look is one round.
func (w *watching) look(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options) error {
	w.Live, w.Left, w.ids, w.unclear = map[sched.State]int{}, 0, nil, map[string]int{}
	defer w.warn(d)
	opt.JobID = ""
	f, err := newFinishing(ctx, d, s, opt, w)
	if err != nil {
		return err
	}
	f.watch = w
	jobs, err := f.choose(ctx)
	if err != nil {
		return err
	}
	if w.row != 0 {
		jobs = slices.DeleteFunc(jobs, func(j ledger.Job) bool { return j.ID != w.row })
	}
	w.near = !slices.ContainsFunc(jobs, func(j ledger.Job) bool { return j.Scheduler != "local" })
	if len(jobs) == 0 {
		return ctx.Err()
	}
	return f.finish(ctx, jobs)
}

// Emit passes on what is new, and counts.
func (w *watching) Emit(r result.Record) error {
	if r.Action == Action {
		id, _ := r.Fields["slurm_job_id"].(string)
		switch {
		case r.Status == result.OK:
			w.Committed++
		case r.Status == result.NotNeeded:
			// Another process has it: it is under way until that one is done.
			w.Live[sched.Completing]++
			w.ids = append(w.ids, id)
			return nil
		case r.Status.Failed():
			w.Left++
			key := id + "\x00" + r.String("message")
			if w.told[key] {
				return nil
			}
			w.told[key] = true
		}
	}
	return w.sink.Emit(r)
}

// live notes a job that is not over. One that will never start is over.
func (w *watching) live(st sched.Status) bool {
	if w == nil || st.State.Final() || st.NeverStarts {
		return false
	}
	w.Live[st.State]++
	w.ids = append(w.ids, st.ID+" "+string(st.State))
	if st.State == sched.Unknown {
		w.unclear[st.Note]++
	}
	return true
}

// warn says why states are not known, once for as long as that lasts.
func (w *watching) warn(d *dataset.Dataset) {
	now := map[string]bool{}
	for note, n := range w.unclear {
		if now[note] = true; !w.warned[note] {
			d.Env.Log.Warn(fmt.Sprintf("the state of %d job(s) is not known: %s", n, note))
		}
	}
	w.warned = now
}

// waitsFor notes a job that another process submits right now.
func (w *watching) waitsFor(j *ledger.Job, s sched.Scheduler) bool {
	if w == nil || submission.FateOf(j, s) != submission.Runs {
		return false
	}
	w.Live[sched.Pending]++
	w.ids = append(w.ids, fmt.Sprintf("#%d", j.ID))
	return true
}

// picture changes where anything has changed.
func (w *watching) picture() string {
	slices.Sort(w.ids)
	return fmt.Sprintf("%d %d %s", w.Committed, w.Left, strings.Join(w.ids, ","))
}
