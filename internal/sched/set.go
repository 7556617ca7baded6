package sched

// Set is a scheduler for new jobs that knows the others as well, so that every
// job is asked about where it was submitted. As a Scheduler it is its default.
type Set struct {
	Scheduler // the default
	others    []Scheduler
}

// NewSet makes a set. Of two schedulers with one name the first counts.
func NewSet(def Scheduler, others ...Scheduler) Set { return Set{def, others} }

// Find returns the scheduler with the name: s itself, or one of the others if
// s is a Set. The empty name, of jobs that tell none, means s.
func Find(s Scheduler, name string) (Scheduler, bool) {
	set, ok := s.(Set)
	if ok {
		s = set.Scheduler
	}
	if name == "" || name == s.Name() {
		return s, true
	}
	for _, o := range set.others {
		if o.Name() == name {
			return o, true
		}
	}
	return nil, false
}
