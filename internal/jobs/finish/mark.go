package finish

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// finishMark says which process commits a job right now.
type finishMark struct {
	Owner fsx.Owner `json:"owner"`
	Since time.Time `json:"since"`
	Nonce string    `json:"nonce"` // of one command
}

// markLife is how long the mark of a process on another node counts.
const markLife = 15 * time.Minute

// mark takes the jobs that nobody else is finishing: two processes at once
// must not both commit one.
func (f *finishing) mark(ctx context.Context, list []*over) (mine []*over, err error) {
	f.nonce = rand.Text()
	own, err := json.Marshal(finishMark{fsx.Self(), f.d.Now().UTC(), f.nonce})
	if err != nil {
		return nil, err
	}
	var suspect map[*over]bool
	err = jobdb.With(ctx, f.d, "finish", func(l *ledger.Ledger) error {
		return l.Update(ctx, func(tx *ledger.Tx) error {
			mine, suspect = nil, map[*over]bool{}
			jobs := map[int64]*marked{} // an array comes once for each task
			for _, o := range list {
				m := jobs[o.job.ID]
				if m == nil {
					if m, err = f.markOne(tx, o, own); err != nil {
						return err
					}
					jobs[o.job.ID] = m
				}
				if o.busy, suspect[o] = m.busy, m.suspect; m.settled[o.task].Outcome != "" {
					o.busy = "was finished by another process"
				}
				if o.busy == "" {
					mine = append(mine, o)
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	for _, o := range list {
		if o.busy == "" {
			continue
		}
		if err := f.report(result.NotNeeded, &o.job, fmt.Sprintf("job %s %s", o.name(), o.busy)); err != nil {
			return nil, err
		}
	}
	f.marked = mine
	return f.withoutCommitted(ctx, mine, suspect)
}

// marked is what marking a job has told.
type marked struct {
	busy    string // why it is not ours
	suspect bool   // a dead process left its mark
	settled map[string]jobrec.TaskEnd
}

// markOne puts our mark on a job that is not busy.
func (f *finishing) markOne(tx *ledger.Tx, o *over, own json.RawMessage) (*marked, error) {
	now, err := tx.Get(o.job.ID)
	if err != nil {
		return nil, err
	}
	m := &marked{busy: taken(&now, f.d.Now()), suspect: len(now.Extra[jobdb.MarkKey]) > 0, settled: jobrec.SettledTasks(&now)}
	if m.busy == "" && now.Isolated != "" {
		if m.busy, err = f.enter(tx, &now); err != nil {
			return nil, err
		}
	}
	if m.busy != "" {
		return m, nil
	}
	return m, tx.Transition(now.ID, ledger.StateOpen, func(j *ledger.Job) {
		if o.task != "" {
			takeArray(j, &o.job)
		}
		if j.Extra == nil {
			j.Extra = map[string]json.RawMessage{}
		}
		j.Extra[jobdb.MarkKey] = own
	})
}

// withoutCommitted leaves out the suspects that turn out to be committed.
func (f *finishing) withoutCommitted(ctx context.Context, mine []*over, suspect map[*over]bool) (left []*over, err error) {
	for _, o := range mine {
		done := false
		if suspect[o] {
			if done, err = f.alreadyCommitted(ctx, o); err != nil {
				return nil, err
			}
		}
		if done {
			f.graph.done[part{o.job.ID, o.task}] = true
		} else {
			left = append(left, o)
		}
	}
	return left, nil
}

// alreadyCommitted looks whether the process that marked the job, and died, has
// published its commit; then the job is closed with it. Mostly recovery has
// done so before; but it may have run in a command that knows nothing of jobs,
// and a rebuilt ledger knows of no commits.
func (f *finishing) alreadyCommitted(ctx context.Context, o *over) (bool, error) {
	args := []string{"log", "-z", "--format=%H%n%B", "--fixed-strings", "--grep=[" + string(runrec.SlurmKind) + "] Slurm job " + o.name() + ":", "--branches", "HEAD"}
	if o.job.BaseCommit != "" {
		args = append(args, "^"+string(o.job.BaseCommit))
	}
	out, err := f.d.Repo.Output(ctx, append(args, "--")...)
	if err != nil {
		return false, err
	}
	for text := range strings.SplitSeq(string(out), "\x00") {
		id, message, _ := strings.Cut(text, "\n")
		if !(logged{gitobj.OID(id), message}).records(o) {
			continue
		}
		err = jobdb.With(ctx, f.d, "finish", func(l *ledger.Ledger) error {
			if o.task != "" {
				return jobdb.EndTasks(ctx, l, map[int64]map[string]jobrec.TaskEnd{o.job.ID: {o.task: {Outcome: ledger.Committed, Commit: gitobj.OID(id)}}})
			}
			ledger.DropCopy(&o.job)
			return l.Finish(ctx, ledger.Closing{ID: o.job.ID, Outcome: ledger.Committed, Commit: gitobj.OID(id)})
		})
		if err != nil {
			return false, err
		}
		return true, f.report(result.OK, &o.job, fmt.Sprintf("%s (committed already as %.7s)", o.title(), id))
	}
	return false, nil
}

// taken says why a job is not ours to finish, or "".
func taken(j *ledger.Job, now time.Time) string {
	if j.State != ledger.StateOpen {
		return "was finished by another process"
	}
	var m finishMark
	if json.Unmarshal(j.Extra[jobdb.MarkKey], &m) != nil || m.Owner.PID == 0 {
		return ""
	}
	fate := m.Owner.Fate()
	if fate == fsx.Dead || fate == fsx.Unknown && now.Sub(m.Since) > markLife {
		return ""
	}
	return "is being finished by " + m.Owner.String()
}

// holds reports whether the mark on a job is that of this command.
func (f *finishing) holds(j *ledger.Job) bool {
	var m finishMark
	return json.Unmarshal(j.Extra[jobdb.MarkKey], &m) == nil && m.Nonce == f.nonce
}

// confirm looks, under the lease, whether the jobs are still open and ours:
// another node may have taken over what it thought abandoned. What is not is
// left out.
func (f *finishing) confirm(ctx context.Context, list []*over) error {
	l, err := jobdb.Open(ctx, f.d)
	if err != nil {
		return err
	}
	defer l.Close()
	var drop []int
	jobs := map[int64]ledger.Job{}
	for i, o := range list {
		now, known := jobs[o.job.ID]
		if !known {
			if now, err = l.Get(ctx, o.job.ID); err != nil && !errors.Is(err, ledger.ErrNotFound) {
				return err
			}
			jobs[o.job.ID] = now
		}
		o.lost = now.State != ledger.StateOpen || now.JobID != o.job.JobID || !f.holds(&now) || jobrec.SettledTasks(&now)[o.task].Outcome != ""
		if o.lost {
			drop = append(drop, i)
		}
	}
	if len(drop) == 0 {
		return nil
	}
	return &commit.DropError{Commits: drop}
}

func (f *finishing) unmark(ctx context.Context, list []*over) error {
	return jobdb.With(ctx, f.d, "finish", func(l *ledger.Ledger) error {
		seen := map[int64]bool{}
		for _, o := range list {
			if seen[o.job.ID] {
				continue
			}
			seen[o.job.ID] = true
			err := l.Update(ctx, func(tx *ledger.Tx) error {
				held := false
				err := tx.Transition(o.job.ID, ledger.StateOpen, func(j *ledger.Job) {
					if held = f.holds(j); held {
						delete(j.Extra, jobdb.MarkKey)
					}
				})
				if err != nil || !held {
					return err
				}
				return tx.Leave(o.job.ID)
			})
			var state *ledger.StateError
			if err != nil && !errors.As(err, &state) {
				return err
			}
		}
		return nil
	})
}
