package slurm

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

const (
	// lag is how long accounting may take to write what has happened; more
	// than 6 s was seen on an idle cluster.
	lag = time.Minute
	// skew is how far the clocks of hosts may differ.
	skew = 10 * time.Minute
)

// judgement is the reading of one job.
type judgement struct {
	answers
	query sched.Query
	base  string
	tasks map[string]sched.Task
	note  string
}

// judge reads everything that is known of one job.
func (a answers) judge(q sched.Query, now time.Time) sched.Status {
	j := &judgement{answers: a, query: q, base: plainID(q.ID), tasks: map[string]sched.Task{}}
	j.takeAccounting()
	j.takeQueue()
	j.settleRemainder()
	j.settleMissing(now)
	if len(j.tasks) == 0 {
		return unknown(q.ID, j.whyUnknown())
	}
	return j.status()
}

// takeAccounting takes records that cannot be of an older job with the same
// id. A task that accounting sees alive and squeue does not is in between.
func (j *judgement) takeAccounting() {
	_, queued := j.live[j.base]
	_, rest := j.live[j.base][whole]
	for key, r := range j.acct[j.base] {
		t := r.Task
		if j.beforeOurs(r) {
			continue
		}
		if rest && key != whole && t.State == sched.Pending {
			continue // squeue's record of the remainder is newer
		}
		if key == whole && !r.list && t.State.Final() && t.State != sched.Cancelled && j.asksForArray() {
			continue // a task that ran, before accounting knows its number: it stands for no other
		}
		if !t.State.Final() && t.State != sched.Requeued && (!queued || j.live[j.base][key] == nil) {
			j.note = "accounting says " + sched.Word(t.Raw) + ", but the controller no longer knows the job: ask again later"
			t.State = sched.Unknown
		}
		j.tasks[key] = t
	}
}

// beforeOurs holds for records of an older job. Where the controller's own time
// of submission is known, clocks do not matter.
func (j *judgement) beforeOurs(r *record) bool {
	if !j.query.Stamp.IsZero() {
		return relation(j.query, r.submitted) == older || !r.End.IsZero() && r.End.Before(j.query.Stamp.Add(-time.Hour-time.Minute))
	}
	return !r.End.IsZero() && !j.query.Submitted.IsZero() && r.End.Before(j.query.Submitted.Add(-skew))
}

// ahead is by how much our clock is ahead of the controller's, as far as that
// is known: the line that submitted the job began before the job was there.
func (j *judgement) ahead() time.Duration {
	if j.query.Stamp.IsZero() || j.query.Submitted.IsZero() {
		return 0
	}
	return max(0, j.query.Submitted.Sub(j.query.Stamp)-time.Second)
}

// takeQueue lets squeue have the last word on states; accounting adds the
// details where both agree.
func (j *judgement) takeQueue() {
	for key, r := range j.live[j.base] {
		t := r.Task
		if old, ok := j.tasks[key]; ok && sched.Word(old.Raw) == sched.Word(t.Raw) {
			old.State, old.Reason = t.State, t.Reason
			t = old
		} else if ok {
			t.Start, t.NodeList = old.Start, old.NodeList
		}
		j.tasks[key] = t
	}
}

// settleRemainder drops the record for "all other tasks" where there is none
// left that it could stand for.
func (j *judgement) settleRemainder() {
	if _, ok := j.tasks[whole]; ok && len(j.tasks) > 1 && len(j.tasks)-1 >= j.query.Tasks {
		delete(j.tasks, whole)
	}
}

// isArray holds for an array (not for a plain or heterogeneous job).
func (j *judgement) isArray() bool {
	for key := range j.tasks {
		if strings.HasPrefix(key, "_") {
			return true
		}
	}
	return j.query.Tasks > 1 && len(j.tasks) > 0
}

// asksForArray holds if the job is known to be an array before anything else
// is known of it.
func (j *judgement) asksForArray() bool {
	for _, known := range []records{j.live, j.acct} {
		for key := range known[j.base] {
			if strings.HasPrefix(key, "_") {
				return true
			}
		}
	}
	return j.query.Tasks > 1
}

// settleMissing looks at tasks that are in no answer. squeue would show them
// if they were alive; accounting may be late. A task that was cancelled
// while pending leaves no record at all.
func (j *judgement) settleMissing(now time.Time) {
	if _, ok := j.tasks[whole]; ok || !j.isArray() || j.query.Tasks > 0 && len(j.tasks) >= j.query.Tasks {
		return
	}
	last := time.Time{}
	for _, t := range j.tasks {
		if !t.State.Final() {
			return
		}
		if t.End.After(last) {
			last = t.End
		}
	}
	settled := j.acctErr == nil && !last.IsZero() && now.Add(-j.ahead()).Sub(last) > lag
	switch missing := j.query.Tasks - len(j.tasks); {
	case settled && missing > 0:
		j.tasks[whole] = sched.Task{ID: j.base, State: sched.Cancelled, Raw: "CANCELLED", End: last, Reason: "cancelled before it started"}
		j.note = strconv.Itoa(missing) + " tasks left no record: cancelled before they started"
	case settled:
	default:
		j.tasks[whole] = sched.Task{ID: j.base, State: sched.Unknown, Raw: "UNKNOWN"}
		j.note = "Slurm has not told of all tasks of the array: ask again later"
		if isAccountingOff(j.acctErr) {
			j.note = "the controller has forgotten tasks of the array and there is no accounting: how they ended is not known"
		}
	}
}

func (j *judgement) whyUnknown() string {
	switch {
	case isAccountingOff(j.acctErr):
		return "the controller does not know the job (any more) and there is no accounting: how it ended is not known, look at its outputs"
	case j.acctErr != nil:
		return "accounting does not answer, ask again later: " + j.acctErr.Error()
	case len(j.acct[j.base]) > 0:
		return "Slurm knows only an older job of this id"
	}
	return "Slurm does not know the job (yet, or any more)"
}

func (j *judgement) status() sched.Status {
	st := sched.Status{ID: j.query.ID, Note: j.note}
	for _, t := range j.tasks {
		st.Tasks = append(st.Tasks, t)
	}
	slices.SortFunc(st.Tasks, func(a, b sched.Task) int {
		return cmp.Or(cmp.Compare(taskNumber(a.ID), taskNumber(b.ID)), strings.Compare(a.ID, b.ID))
	})
	st.State, st.Text = sched.Summarize(st.Tasks)
	st.NeverStarts = neverStarts(st.Tasks)
	if note := whoActs(st); note != "" {
		st.Note = note
	}
	return st
}

// taskNumber is -1 for the remainder, so that it comes first.
func taskNumber(id string) int {
	i := strings.IndexAny(id, "_+")
	if i < 0 {
		return -1
	}
	n, _ := strconv.Atoi(id[i+1:])
	return n
}

const neverSatisfied = "DependencyNeverSatisfied"

// neverStarts holds if all that is not over waits for ever.
func neverStarts(tasks []sched.Task) bool {
	waiting := false
	for _, t := range tasks {
		if t.State.Final() {
			continue
		}
		if t.State != sched.Pending || t.Reason != neverSatisfied {
			return false
		}
		waiting = true
	}
	return waiting
}

// whoActs says who must do what so that the job goes on.
func whoActs(st sched.Status) string {
	id := plainID(st.ID)
	if st.NeverStarts {
		return "a job that this one depends on has failed, so it never starts: scancel " + id
	}
	for _, t := range st.Tasks {
		switch {
		case st.State == sched.Held && t.State == sched.Held:
			return "the job is held (" + t.Reason + "): scontrol release " + id + ", or scancel " + id
		case st.State == sched.Pending && t.Reason == "PartitionConfig":
			return "the job asks for more than its partition allows and may never start"
		case st.State == sched.Unknown && sched.Word(t.Raw) == "REVOKED":
			return "the job runs on another cluster of the federation"
		case st.State == sched.Unknown && st.Note == "":
			return "Slurm gives a state that is not understood: " + t.Raw
		}
	}
	return ""
}
