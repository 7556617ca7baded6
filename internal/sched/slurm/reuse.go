package slurm

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
)

// Slurm uses ids again: after the largest one, or when the controller has lost
// its memory. What tells two jobs of one id apart is the time of submission,
// which Slurm also sets anew when it requeues a job.

// The relation of a record to the job that is asked about.
const (
	older = iota - 1
	same  // or nothing tells
	newer
)

// slack is by how much our clock and the controller's may differ where only
// ours has the time of submission.
const slack = time.Hour

// relation tells of which job a record is that was submitted at that time.
func relation(q sched.Query, submitted time.Time) int {
	margin := time.Second
	at := q.Stamp
	if at.IsZero() {
		at, margin = q.Submitted, slack
	}
	if submitted.IsZero() || at.IsZero() {
		return same
	}
	d := submitted.Sub(at)
	if !q.Stamp.IsZero() && (d-time.Hour).Abs() <= margin || (d+time.Hour).Abs() <= margin {
		return same // the stamp was a local time, in the hour that comes twice
	}
	switch {
	case d > margin:
		return newer
	case d < -margin:
		return older
	}
	return same
}

// reused is an id that belongs to another job by now.
type reused struct {
	by  time.Time // when that one was submitted
	own records   // what accounting still knows of ours
	err error     // nothing is certain: no answer
}

// findReused looks for ids that may belong to other jobs by now, and asks
// about those once more. Where there are none, it asks nothing.
func (s *Slurm) findReused(ctx context.Context, cluster string, jobs []sched.Query, a answers) map[string]*reused {
	found := map[string]*reused{}
	var doubtful []sched.Query
	for _, q := range jobs {
		base := plainID(q.ID)
		by, live := newest(q, a.live[base])
		if by.IsZero() {
			if live { // the controller has ours
				continue
			}
			if by, _ = newest(q, a.acct[base]); by.IsZero() {
				continue
			}
		} else if requeued, err := s.requeued(ctx, cluster, base); requeued {
			continue
		} else if err != nil {
			found[base] = &reused{by: by, err: err}
			continue
		}
		found[base] = &reused{by: by}
		doubtful = append(doubtful, q)
	}
	if len(doubtful) > 0 && a.acctErr == nil {
		s.history(ctx, cluster, doubtful, found)
	}
	return found
}

// newest returns when the job was submitted that the records tell of, if it was
// later than ours; known reports whether there are records at all.
func newest(q sched.Query, tasks map[string]*record) (by time.Time, known bool) {
	for _, r := range tasks {
		switch relation(q, r.submitted) {
		case newer:
			by = r.submitted
		case same: // a requeued task of an array has its own time
			return time.Time{}, true
		}
	}
	return by, len(tasks) > 0
}

// requeued asks the controller whether the job has run before.
func (s *Slurm) requeued(ctx context.Context, cluster, base string) (bool, error) {
	jobs, err := s.show(ctx, cluster, base)
	if isUnknownJob(err) {
		return false, nil
	}
	return slices.ContainsFunc(jobs, func(j shown) bool { n := j.get("Restarts"); return n != "" && n != "0" }), err
}

// history asks accounting for all jobs that ever had the ids.
func (s *Slurm) history(ctx context.Context, cluster string, jobs []sched.Query, found map[string]*reused) {
	ids := make([]string, len(jobs))
	for i, q := range jobs {
		ids[i] = plainID(q.ID)
	}
	for _, batch := range batches(ids) {
		args := append(onCluster(cluster), "-D", "-P", "-n", "-j", strings.Join(batch, ","), "-o", sacctFields)
		out, err := s.output(ctx, "sacct", args, []string{"SLURM_TIME_FORMAT=%s"})
		rounds := bySubmission(out)
		for _, q := range jobs {
			base := plainID(q.ID)
			if !slices.Contains(batch, base) {
				continue
			}
			if err != nil {
				found[base].err = err
				continue
			}
			found[base].own = records{base: ownRecords(q, rounds)}
		}
	}
}

// bySubmission splits accounting's answer by the time of submission, oldest
// first.
func bySubmission(out []byte) []records {
	texts := map[int64]*strings.Builder{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimRight(line, "\n"), "|")
		at := parseTime(f[len(f)-1]).Unix()
		if texts[at] == nil {
			texts[at] = &strings.Builder{}
		}
		texts[at].WriteString(line)
	}
	var rounds []records
	for _, at := range slices.Sorted(maps.Keys(texts)) {
		rounds = append(rounds, parseAccounting([]byte(texts[at].String())))
	}
	return rounds
}

// ownRecords follows each task of our job through its requeues.
func ownRecords(q sched.Query, rounds []records) map[string]*record {
	own := map[string]*record{}
	for _, round := range rounds {
		for key, r := range round[plainID(q.ID)] {
			switch before := own[key]; {
			case relation(q, r.submitted) == same, before != nil && continues(before, r):
				own[key] = r
			}
		}
	}
	return own
}

// continues reports whether a record is of the same job, started anew by the
// system: it follows the end of the one before at once.
func continues(before, r *record) bool {
	switch sched.Word(before.Raw) {
	case "REQUEUED", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL":
		gap := r.submitted.Sub(before.End)
		return !before.End.IsZero() && gap > -time.Minute && gap < skew
	}
	return false
}

// judgeReused reads what is left of a job whose id belongs to another one.
func (a answers) judgeReused(q sched.Query, r *reused, now time.Time) sched.Status {
	if r.err != nil {
		return unknown(q.ID, "its id may belong to another job by now, and Slurm does not answer, ask again later: "+r.err.Error())
	}
	if base := plainID(q.ID); len(r.own[base]) > 0 {
		return answers{acct: r.own, acctErr: a.acctErr}.judge(q, now)
	}
	return unknown(q.ID, "Slurm has given its id to another job, submitted "+r.by.Format(time.DateTime)+
		": how this one ended is not known, look at its outputs")
}
