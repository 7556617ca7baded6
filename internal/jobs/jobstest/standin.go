package jobstest

import (
	"context"

	"github.com/stemma-data/stemma/internal/sched"
)

// StandIn is a scheduler that knows every job, and needs no files for it.
type StandIn struct {
	Scheduler
	State sched.State
	Asked int
}

func (s *StandIn) Query(_ context.Context, qs []sched.Query) (map[string]sched.Status, error) {
	s.Queries++
	m := make(map[string]sched.Status, len(qs))
	for _, q := range qs {
		s.Asked++
		t := sched.Task{ID: q.ID, State: s.State, Raw: string(s.State)}
		m[q.ID] = sched.Status{ID: q.ID, State: s.State, Text: string(s.State), Tasks: []sched.Task{t}}
	}
	return m, nil
}
