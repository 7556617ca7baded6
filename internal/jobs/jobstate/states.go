// Package jobstate asks schedulers about jobs of the ledger: all states in one
// question, and after the submission what they know of a job. What cannot be
// learned is never taken for success.
package jobstate

import (
	"context"
	"fmt"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// SchedulerOf finds the scheduler that a job was submitted to.
func SchedulerOf(s sched.Scheduler, j *ledger.Job) (sched.Scheduler, error) {
	if own, ok := sched.Find(s, j.Scheduler); ok {
		return own, nil
	}
	err := fmt.Errorf("it was submitted to the scheduler %q, which is not here", j.Scheduler)
	return nil, errs.WithHint(err, "repeat the command where that scheduler's programs are on PATH")
}

// Query asks each scheduler one question for all of its jobs. The states are
// keyed by the ledger's rows: two schedulers may give out the same id.
func Query(ctx context.Context, s sched.Scheduler, jobs []ledger.Job) (map[int64]sched.Status, error) {
	states := make(map[int64]sched.Status, len(jobs))
	asked := map[string][]*ledger.Job{}
	for i := range jobs {
		j := &jobs[i]
		asked[j.Scheduler] = append(asked[j.Scheduler], j)
	}
	for _, list := range asked {
		own, err := SchedulerOf(s, list[0])
		if err != nil {
			for _, j := range list {
				states[j.ID] = sched.Status{ID: jobrec.QueryID(j), State: sched.Unknown, Text: string(sched.Unknown), Note: err.Error()}
			}
			continue
		}
		for _, wave := range differentIDs(list) {
			if err := queryInto(ctx, own, wave, states); err != nil {
				return nil, err
			}
		}
	}
	return states, nil
}

// queryInto asks about jobs of one scheduler, all with different ids.
func queryInto(ctx context.Context, s sched.Scheduler, list []*ledger.Job, states map[int64]sched.Status) error {
	qs := make([]sched.Query, len(list))
	for i, j := range list {
		qs[i] = sched.Query{ID: jobrec.QueryID(j), Tasks: j.Tasks, Submitted: j.SubmittedAt, Stamp: jobrec.Of(j).Stamp}
	}
	answers, err := s.Query(ctx, qs)
	if err != nil {
		return err
	}
	for _, j := range list {
		states[j.ID] = answers[jobrec.QueryID(j)]
	}
	return nil
}

// differentIDs splits jobs so that no id comes twice in one question, which
// happens only where a scheduler has used the id of an open job again.
func differentIDs(list []*ledger.Job) (waves [][]*ledger.Job) {
	seen := map[string]int{}
	for _, j := range list {
		n := seen[jobrec.QueryID(j)]
		seen[jobrec.QueryID(j)]++
		if n == len(waves) {
			waves = append(waves, nil)
		}
		waves[n] = append(waves[n], j)
	}
	return waves
}

// Patience bounds a question to a scheduler that may hang.
const Patience = 30 * time.Second
