// Package finish commits what completed jobs have made: it asks for their states,
// brings staged outputs back, makes one commit for each in the order in which
// one was made from the other, and closes them. It schedules nothing.
package finish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/killpoint"
	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/sched"
)

// Options are the options of finish.
type Options struct {
	JobID        string // only this job; "" for all that are open
	Message      string // for the commits; "" for none
	CloseFailed  bool   // failed jobs are closed without a commit
	CommitFailed bool   // failed jobs are committed with what they left, and closed
	Branches     bool   // each commit goes on a branch of its own
	Octopus      bool   // each commit starts at the tip, and one merge joins them
	Here         bool   // commit to the present branch, whatever branch a job was scheduled on
	Jobs         int    // files hashed at once; 0: one per core
	// Many, if set, is told when there are so many jobs that what is held of
	// them counts.
	Many func()

	Step killpoint.Steps // tests
}

// manyJobs is from when on memory counts: each job needs some 20 kB.
const manyJobs = 1000

// Run commits the results of all completed jobs, oldest first, in one go,
// and closes those jobs. Jobs that are not over, that failed, or that lack a
// declared output stay open; each is told by an impossible or error record, and
// stops no other. The error is for what concerns all of them.
func Run(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) error {
	f, err := newFinishing(ctx, d, s, opt, sink)
	if err != nil {
		return err
	}
	jobs, err := f.chosen(ctx)
	if err != nil {
		return err
	}
	if len(jobs) == 0 {
		tellOfPeer(d)
		return nil
	}
	return f.finish(ctx, jobs)
}

// Jobs is Finish for the given open jobs, on the branch as it was seen.
func Jobs(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, head git.Head, jobs []ledger.Job, sink result.Sink) error {
	top, err := d.RealPath()
	if err != nil {
		return err
	}
	f := &finishing{d: d, s: s, opt: opt, sink: sink, top: top, head: head}
	return f.finish(ctx, jobs)
}

// finish commits those of the jobs that are to be.
func (f *finishing) finish(ctx context.Context, jobs []ledger.Job) error {
	if len(jobs) > manyJobs && f.opt.Many != nil {
		f.opt.Many()
	}
	ready, err := f.sort(ctx, jobs)
	if err != nil || len(ready) == 0 {
		return err
	}
	return f.commit(ctx, ready)
}

// newFinishing checks what must hold before any job is looked at.
func newFinishing(ctx context.Context, d *dataset.Dataset, s sched.Scheduler, opt Options, sink result.Sink) (*finishing, error) {
	if opt.Branches && opt.Octopus {
		return nil, errs.WithExit(errors.New("finish: --branches and --octopus exclude each other"), errs.ExitUsage)
	}
	if err := d.Writable(ctx); err != nil {
		return nil, err
	}
	f := &finishing{d: d, s: s, opt: opt, sink: sink}
	go func() { _, _ = d.Repo.ReadIndex() }() // it is kept; whoever needs it finds it read
	var err error
	if f.top, err = d.RealPath(); err != nil {
		return nil, err
	}
	if f.head, err = d.Repo.Head(ctx); err != nil {
		return nil, err
	}
	if f.head.Ref == "" && (opt.Branches || opt.Octopus) {
		err := errors.New("finish: --branches and --octopus need a branch, and this is a detached HEAD")
		return nil, errs.WithHint(err, "check a branch out, or leave the option away")
	}
	if adjusted.Is(f.head.Branch()) && (opt.Branches || opt.Octopus) {
		err := fmt.Errorf("finish: --branches and --octopus are incompatible with the adjusted branch %s", f.head.Branch())
		return nil, errs.WithHint(err, "leave the option away, or check out the branch that it was made of")
	}
	return f, nil
}

// Action is the action of the records that this package reports, as in
// the Slurm extension of DataLad.
const Action = "slurm-finish"

// finishing is one finish command on its way.
type finishing struct {
	d    *dataset.Dataset
	s    sched.Scheduler
	opt  Options
	sink result.Sink
	top  string
	head git.Head

	watch  *watching              // nil: one look is enough
	open   []ledger.Job           // all that is known to be open
	states map[int64]sched.Status // by the ledger's rows
	graph  *graph
	seen   map[string]fs.FileInfo // declared paths that exist, absolute
	marked []*over                // by this command
	nonce  string                 // of its marks
	tree   *nested.Tree           // of this wave; nil: there are no subdatasets
	logs   map[*nested.Level][]annex.LogEdit
}

// report emits a record about one job. Such records have no path, as in
// datalad-slurm.
func (f *finishing) report(status result.Status, j *ledger.Job, text string) error {
	rec := result.New(Action, status, "", "").Msg(text)
	if j != nil && j.JobID != "" {
		rec.Fields["slurm_job_id"] = j.JobID
	}
	return f.sink.Emit(rec)
}

// fail reports an error about one job, with its hint.
func (f *finishing) fail(j *ledger.Job, err error) error {
	text := fmt.Sprintf("job %s: %v", jobrec.Label(j), err)
	if hint := errs.Hint(err); hint != "" {
		text += " (" + hint + ")"
	}
	return f.report(result.Error, j, text)
}

// tellOfPeer points at jobs that only the Slurm extension of DataLad knows.
func tellOfPeer(d *dataset.Dataset) {
	if _, err := os.Lstat(jobdb.PeerDatabase(d)); err == nil && !jobdb.Exists(d) {
		d.Env.Log.Info("open jobs of datalad-slurm can be taken over with `stemma jobs import`")
	}
}
