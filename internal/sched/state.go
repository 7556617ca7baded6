package sched

import "strings"

// State is where a job or task stands. The set is closed.
type State string

// States in which the job is not over, in order of liveliness.
const (
	Running    State = "RUNNING"
	Suspended  State = "SUSPENDED"
	Completing State = "COMPLETING" // the script has ended, the node still cleans up
	Requeued   State = "REQUEUED"
	Pending    State = "PENDING"
	Held       State = "HELD" // pending, and somebody must release it
	// Unknown says that nothing may be concluded: ask again later.
	Unknown State = "UNKNOWN"
)

// States in which the job is over.
const (
	Completed   State = "COMPLETED"
	Failed      State = "FAILED"
	Cancelled   State = "CANCELLED"
	Timeout     State = "TIMEOUT"
	OutOfMemory State = "OUT_OF_MEMORY"
	NodeFail    State = "NODE_FAIL"
	Preempted   State = "PREEMPTED"
	BootFail    State = "BOOT_FAIL"
	Deadline    State = "DEADLINE"
)

// Final reports whether the job is over for good.
func (s State) Final() bool {
	switch s {
	case Completed, Failed, Cancelled, Timeout, OutOfMemory, NodeFail, Preempted, BootFail, Deadline:
		return true
	}
	return false
}

// Success reports whether the job is over and did what it should.
func (s State) Success() bool { return s == Completed }

// liveliest lists the states of jobs that are not over; the first one that
// any task is in is that of the whole job.
var liveliest = [...]State{Running, Suspended, Completing, Requeued, Pending, Held, Unknown}

// ParseState reads a state word of Slurm (the tables of squeue(1) and
// sacct(1)), in long form. Words that it does not know are Unknown.
func ParseState(raw string) State {
	switch word := Word(raw); word {
	case "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE",
		"PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "REQUEUED":
		return State(word)
	case "CONFIGURING", "RESV_DEL_HOLD":
		return Pending
	case "RESIZING", "SIGNALING":
		return Running
	case "STAGE_OUT":
		return Completing
	case "STOPPED":
		return Suspended
	case "REQUEUE_FED":
		return Requeued
	case "REQUEUE_HOLD", "SPECIAL_EXIT":
		return Held
	}
	return Unknown
}

// Word reduces what a scheduler wrote to the bare state: "CANCELLED by 1000"
// becomes "CANCELLED".
func Word(raw string) string {
	if strings.Contains(raw, "CANCELLED") {
		return "CANCELLED"
	}
	word, _, _ := strings.Cut(strings.TrimSpace(raw), " ")
	return strings.TrimSuffix(word, "+")
}

// Group texts of datalad-slurm for arrays that ended in several ways.
const (
	SomeComplete   = "ARRAY FAILED (SOME COMPLETE)"
	MultipleCauses = "ARRAY FAILED (MULTIPLE CAUSES)"
)

// Summarize gives the state and text of a job from all its tasks. No tasks
// at all are Unknown.
func Summarize(tasks []Task) (State, string) {
	if s, live := liveState(tasks); live {
		return s, liveText(tasks, s)
	}
	words := map[string]bool{}
	for _, t := range tasks {
		words[Word(t.Raw)] = true
	}
	switch {
	case len(words) == 1:
		return tasks[0].State, Word(tasks[0].Raw)
	case words["COMPLETED"]:
		return Failed, SomeComplete
	}
	return Failed, MultipleCauses
}

// liveState returns the liveliest state and whether the job is not over.
func liveState(tasks []Task) (State, bool) {
	seen := map[State]bool{}
	over := len(tasks) > 0
	for _, t := range tasks {
		seen[t.State] = true
		over = over && t.State.Final()
	}
	if over {
		return "", false
	}
	for _, s := range liveliest {
		if seen[s] {
			return s, true
		}
	}
	return Unknown, true
}

// liveText is the scheduler's own word if all tasks share it.
func liveText(tasks []Task, s State) string {
	text := ""
	for _, t := range tasks {
		if word := Word(t.Raw); text == "" {
			text = word
		} else if text != word {
			return string(s)
		}
	}
	if text == "" {
		return string(s)
	}
	return text
}
