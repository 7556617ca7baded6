package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// finishMark says which process commits a job right now.
type finishMark struct {
	Owner fsx.Owner `json:"owner"`
	Since time.Time `json:"since"`
}

const markKey = "finishing"

// markLife is how long the mark of a process on another node counts.
const markLife = 15 * time.Minute

// mark takes the jobs that nobody else is finishing: two processes at once
// must not both commit one.
func (f *finishing) mark(ctx context.Context, list []*over) (mine []*over, err error) {
	own, err := json.Marshal(finishMark{fsx.Self(), f.d.Now().UTC()})
	if err != nil {
		return nil, err
	}
	var suspect map[*over]bool
	err = withLedger(ctx, f.d, "finish", func(l *ledger.Ledger) error {
		return l.Update(ctx, func(tx *ledger.Tx) error {
			mine, suspect = nil, map[*over]bool{}
			for _, o := range list {
				before, err := f.markOne(tx, o, own)
				if err != nil {
					return err
				}
				suspect[o] = len(before) > 0
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
		if err := f.report(result.NotNeeded, &o.job, fmt.Sprintf("job %s %s", label(&o.job), o.busy)); err != nil {
			return nil, err
		}
	}
	return f.withoutCommitted(ctx, mine, suspect)
}

// markOne puts our mark on a job, or sets busy. It returns the mark that a dead
// process left, if there is one.
func (f *finishing) markOne(tx *ledger.Tx, o *over, own json.RawMessage) (json.RawMessage, error) {
	now, err := tx.Get(o.job.ID)
	if err != nil {
		return nil, err
	}
	if o.busy = taken(&now, f.d.Now()); o.busy != "" {
		return nil, nil
	}
	before := now.Extra[markKey]
	return before, tx.Transition(now.ID, ledger.StateOpen, func(j *ledger.Job) {
		if j.Extra == nil {
			j.Extra = map[string]json.RawMessage{}
		}
		j.Extra[markKey] = own
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
		if !done {
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
	args := []string{"log", "-z", "--format=%H%n%B", "--fixed-strings", "--grep=[" + string(runrec.SlurmKind) + "] Slurm job " + o.job.JobID + ":", "--branches", "HEAD"}
	if o.job.BaseCommit != "" {
		args = append(args, "^"+string(o.job.BaseCommit))
	}
	out, err := f.d.Repo.Output(ctx, append(args, "--")...)
	if err != nil {
		return false, err
	}
	for text := range strings.SplitSeq(string(out), "\x00") {
		id, message, _ := strings.Cut(text, "\n")
		c, err := runrec.Parse(message)
		if err != nil || c.Record == nil || c.Record.SlurmJobID != o.job.JobID || c.Record.Cmd != o.job.Cmd {
			continue
		}
		if extra, _ := c.Record.Extra[recordKey].(map[string]any); extra["base"] != string(o.job.BaseCommit) {
			continue
		}
		err = withLedger(ctx, f.d, "finish", func(l *ledger.Ledger) error {
			return l.Finish(ctx, ledger.Closing{ID: o.job.ID, Outcome: ledger.Committed, Commit: gitobj.OID(id)})
		})
		if err != nil {
			return false, err
		}
		dropCopy(&o.job)
		return true, f.report(result.OK, &o.job, fmt.Sprintf("%s (committed already as %.7s)", jobTitle(&o.job, o.status), id))
	}
	return false, nil
}

// taken says why a job is not ours to finish, or "".
func taken(j *ledger.Job, now time.Time) string {
	if j.State != ledger.StateOpen {
		return "was finished by another process"
	}
	var m finishMark
	if json.Unmarshal(j.Extra[markKey], &m) != nil || m.Owner.PID == 0 {
		return ""
	}
	fate := m.Owner.Fate()
	if fate == fsx.Dead || fate == fsx.Unknown && now.Sub(m.Since) > markLife {
		return ""
	}
	return "is being finished by " + m.Owner.String()
}

func (f *finishing) unmark(ctx context.Context, list []*over) error {
	return withLedger(ctx, f.d, "finish", func(l *ledger.Ledger) error {
		for _, o := range list {
			err := l.Transition(ctx, o.job.ID, ledger.StateOpen, func(j *ledger.Job) { delete(j.Extra, markKey) })
			var state *ledger.StateError
			if err != nil && !errors.As(err, &state) {
				return err
			}
		}
		return nil
	})
}
