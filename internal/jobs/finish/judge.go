package finish

import (
	"context"
	"errors"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/jobs/submission"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// sort asks for the states of all jobs, and of those that make their inputs, at
// once and returns those that are to be committed, in the order in which one
// was made from the other; of the others it reports.
func (f *finishing) sort(ctx context.Context, jobs []ledger.Job) ([]*over, error) {
	jobs, err := f.withProducers(ctx, jobs)
	if err != nil {
		return nil, err
	}
	submitted, err := f.settled(ctx, jobs)
	if err != nil || len(submitted) == 0 {
		return nil, err
	}
	if f.states, err = jobstate.Query(ctx, f.s, submitted); err != nil {
		return nil, err
	}
	var ready []*over
	for i := range submitted {
		job := &submitted[i]
		if jobrec.PerTask(job) {
			take, err := f.judgeArray(ctx, *job, f.states[job.ID])
			if err != nil {
				return nil, err
			}
			ready = append(ready, take...)
			continue
		}
		o := &over{job: *job, prov: jobrec.Of(job), status: f.states[job.ID]}
		take, err := f.judge(ctx, o)
		if err != nil {
			return nil, err
		}
		if take {
			ready = append(ready, o)
		}
	}
	if ready, err = f.ordered(ready); err != nil {
		return nil, err
	}
	return f.holdBack(ready)
}

// settled leaves out jobs whose submission is not settled, after trying.
func (f *finishing) settled(ctx context.Context, jobs []ledger.Job) ([]ledger.Job, error) {
	var out []ledger.Job
	for _, job := range jobs {
		own, err := jobstate.SchedulerOf(f.s, &job)
		if err != nil {
			if err := f.fail(&job, err); err != nil {
				return nil, err
			}
			continue
		}
		if job.State == ledger.StateOpen {
			out = append(out, job)
			continue
		}
		if f.watch.waitsFor(&job, own) {
			continue
		}
		settled, prov := job, jobrec.Provenance{}
		r := &submission.Recording{Dataset: f.d, Scheduler: own, Top: f.top, Job: &settled, Provenance: &prov}
		err = errs.WithHint(errors.New("it is being submitted"), "wait for that command")
		if fate := submission.FateOf(&job, own); fate == submission.Told || fate == submission.Unclear {
			err = r.TakeUp(ctx, job)
		} else if fate == submission.NeverRan {
			err = errs.WithHint(errors.New("the command that scheduled it died before the submission"), "repeat that command, or give the claim up with `stemma jobs release`")
		}
		if err == nil {
			out = append(out, settled)
			continue
		}
		if err := f.fail(&job, err); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// judge decides what becomes of one job.
func (f *finishing) judge(ctx context.Context, o *over) (bool, error) {
	st := o.status
	switch {
	case st.State.Success():
	case f.watch.live(st):
		return false, nil
	case !st.State.Final():
		return false, f.stays(&o.job, st)
	case f.opt.CommitFailed:
		o.sentence = jobrec.NotComplete(&o.job, st)
	case f.opt.CloseFailed:
		return false, f.closeFailed(ctx, o)
	default:
		return false, f.stays(&o.job, st)
	}
	if err := f.checkBranch(&o.job); err != nil {
		return false, f.fail(&o.job, err)
	}
	return true, nil
}

// stays reports a job that is not complete, and what that means for others.
func (f *finishing) stays(j *ledger.Job, st sched.Status) error {
	text := jobrec.NotComplete(j, st)
	if note := f.pipelineNote(j, st); note != "" {
		text += " (" + note + ")"
	}
	if note := f.purgeNote(j); note != "" {
		text += "; " + note
	}
	return f.report(result.Impossible, j, text)
}

func (f *finishing) closeFailed(ctx context.Context, o *over) error {
	err := jobdb.With(ctx, f.d, "close failed job", func(l *ledger.Ledger) error {
		return l.Finish(ctx, ledger.Closing{ID: o.job.ID, Outcome: ledger.ClosedFailed})
	})
	if err != nil {
		return f.fail(&o.job, err)
	}
	ledger.DropCopy(&o.job)
	return f.report(result.OK, &o.job, "Closing failed / cancelled jobs. Statuses: "+jobrec.Statuses(&o.job, o.status))
}

// checkBranch refuses a job that was scheduled on another branch.
func (f *finishing) checkBranch(j *ledger.Job) error {
	if f.opt.Here || sameBranch(j.Branch, f.head.Ref) {
		return nil
	}
	err := &commit.WrongBranchError{Want: branchName(j.Branch), Have: branchName(f.head.Ref)}
	return errs.WithHint(err, "check that branch out, or commit to this one with --here")
}

// sameBranch reports whether commits to either go to the same branch in the end:
// those to an adjusted one go to the one that it was made of.
func sameBranch(ref, other string) bool {
	if ref == other {
		return true
	}
	a, _, _ := annex.ParseAdjusted(strings.TrimPrefix(ref, "refs/heads/"))
	b, _, _ := annex.ParseAdjusted(strings.TrimPrefix(other, "refs/heads/"))
	return ref != "" && other != "" && a == b
}

func branchName(ref string) string {
	if ref == "" {
		return "a detached HEAD"
	}
	return git.Head{Ref: ref}.Branch()
}
