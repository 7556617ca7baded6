package submission

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/jobs/jobstate"
	"github.com/stemma-data/stemma/internal/jobs/killpoint"
	"github.com/stemma-data/stemma/internal/ledger"
	"github.com/stemma-data/stemma/internal/sched"
)

// UncertainError says that a submission told no job id, but may have submitted
// a job all the same. The claim stays until somebody settles it.
type UncertainError struct {
	Row        int64 // of the claim
	Why        string
	Candidates []sched.Candidate // the user's jobs that it may be
}

func (e *UncertainError) Error() string {
	text := fmt.Sprintf("it is uncertain whether the job of claim #%d was submitted: %s", e.Row, e.Why)
	if len(e.Candidates) == 0 {
		return text + "; the scheduler shows no job that fits"
	}
	var list []string
	for _, c := range e.Candidates {
		list = append(list, fmt.Sprintf("%s (%s, submitted %s in %s)", c.ID, c.Name, c.Submitted.Format(time.DateTime), c.WorkDir))
	}
	return text + "; it may be job " + strings.Join(list, ", or ")
}

func (e *UncertainError) hinted() error {
	return errs.WithHint(e, "settle it: `stemma jobs adopt ID` if the job is there, `stemma jobs release` if it is not")
}

// Recording brings what a submission has told into the ledger.
type Recording struct {
	Dataset    *dataset.Dataset
	Scheduler  sched.Scheduler
	Top        string // the work tree without symlinks
	Job        *ledger.Job
	Provenance *jobrec.Provenance
	Dir        string // folder that the line runs in
	Step       killpoint.Steps
	Many       bool // one of many jobs that are scheduled together: it says less
	// later changes the job's row together with those of others; nil: at once.
	Later func(ctx context.Context, fn func(*ledger.Tx) error) error
}

// change changes the job's row in the ledger. fn changes nothing where it fails.
func (r *Recording) change(ctx context.Context, fn func(*ledger.Tx) error) error {
	if r.Later != nil {
		return r.Later(ctx, fn)
	}
	return jobdb.With(ctx, r.Dataset, "schedule", func(l *ledger.Ledger) error { return l.Update(ctx, fn) })
}

// errNoJob is DataLad's text for a line that submitted nothing.
var errNoJob = errors.New("No job was submitted to slurm. Check your submission script exists and is valid.") //nolint:staticcheck // DataLad's text

// Unanswered decides what no job id means.
func (r *Recording) Unanswered(ctx context.Context, a Answer, started time.Time) error {
	why := a.Reason()
	if why == "" {
		why = "its output names no job id"
	}
	var found []sched.Candidate
	if a.Exit == 0 || a.mayHaveSubmitted() {
		found = r.candidates(ctx, started, r.Dir)
	}
	if len(found) == 0 && !a.mayHaveSubmitted() {
		if len(a.Stdout) > 0 && a.Exit == 0 {
			why += fmt.Sprintf(": %.200q", a.Stdout)
		}
		hint := "nothing was recorded, the outputs are free again"
		if r.Scheduler.Name() != "local" {
			hint += "; where Slurm does not answer, --scheduler local runs the job on this machine"
		}
		return errs.WithHint(fmt.Errorf("%w (%s)", errNoJob, why), "%s", hint)
	}
	return r.keepUncertain(ctx, r.Job, why, found)
}

// clockSkew is by how much the clocks of nodes may differ unnoticed.
const clockSkew = 10 * time.Minute

// candidates asks for jobs that a submission may have started in dir. A
// scheduler that does not answer has none to show.
func (r *Recording) candidates(ctx context.Context, since time.Time, dir string) []sched.Candidate {
	ctx, cancel := context.WithTimeout(ctx, jobstate.Patience)
	defer cancel()
	all, err := r.Scheduler.Candidates(ctx, since.Truncate(time.Second).Add(-clockSkew))
	if err != nil {
		r.Dataset.Env.Log.Warn(fmt.Sprintf("asking the scheduler for jobs that may be this one: %v", err))
	}
	fit := slices.DeleteFunc(all, func(cand sched.Candidate) bool { return cand.WorkDir != "" && !sameFolder(cand.WorkDir, dir) })
	if len(fit) == 0 {
		return nil
	}
	known := r.known(ctx, fit)
	return slices.DeleteFunc(fit, func(cand sched.Candidate) bool { return known[cand.ID] })
}

// known are the ids that the ledger has, open or closed.
func (r *Recording) known(ctx context.Context, list []sched.Candidate) map[string]bool {
	known := map[string]bool{}
	// Without an answer the list of candidates is longer, no harm.
	_ = jobdb.With(context.WithoutCancel(ctx), r.Dataset, "schedule", func(l *ledger.Ledger) error {
		for _, cand := range list {
			j, err := l.ByJobID(ctx, cand.ID)
			known[cand.ID] = err == nil && !j.SubmittedAt.Before(cand.Submitted.Add(-jobstate.ClockSlack))
		}
		return nil
	})
	return known
}

func sameFolder(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// keepUncertain leaves the claim for somebody to settle.
func (r *Recording) keepUncertain(ctx context.Context, job *ledger.Job, why string, found []sched.Candidate) error {
	prov := jobrec.Of(job)
	prov.Note = why
	err := jobdb.With(context.WithoutCancel(ctx), r.Dataset, "schedule", func(l *ledger.Ledger) error {
		now, err := l.Get(ctx, job.ID)
		if err != nil || now.State == ledger.StateUncertain {
			return err
		}
		return l.Transition(ctx, job.ID, now.State, func(j *ledger.Job) {
			j.State = ledger.StateUncertain
			prov.Store(j)
		})
	})
	if err != nil {
		return err
	}
	return (&UncertainError{Row: job.ID, Why: why, Candidates: found}).hinted()
}

// Record asks the scheduler what it knows of the new job, and stores its id.
// The id is stored even if nothing else can be learned.
func (r *Recording) Record(ctx context.Context, id, cluster string, submitted time.Time) error {
	r.Job.JobID, r.Job.Cluster, r.Job.SubmittedAt = id, cluster, submitted.UTC()
	claimed := r.Job.State == ledger.StateSubmitting
	r.Job.State, r.Provenance.Stamp = ledger.StateOpen, time.Time{}
	jobstate.Describe(ctx, r.Dataset, r.Scheduler, r.Job, r.Provenance)
	r.Provenance.Store(r.Job)
	r.Step.At("described")
	err := r.keep(context.WithoutCancel(ctx), claimed)
	if err != nil {
		return fmt.Errorf("job %s was submitted, but could not be recorded: %w; repeat the same command to record it", id, err)
	}
	r.Step.At("recorded")
	if !r.Many {
		r.Dataset.Env.Log.Info("submitted as job " + id)
	}
	return r.verify(ctx)
}

// keep makes the job durable. A row that is still a claim needs no second visit
// to the ledger: what is told beside it is taken in by whoever comes next.
func (r *Recording) keep(ctx context.Context, claimed bool) error {
	if claimed && !r.Many && r.Provenance.Redo == nil {
		err := ledger.Tell(r.Job)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	_ = ledger.WriteCopy(r.Job) // insurance against a damaged ledger
	row := r.Job.ID
	return r.change(ctx, func(tx *ledger.Tx) error {
		now, err := tx.Get(row)
		if err != nil {
			return err
		}
		if err := tx.Transition(row, now.State, func(j *ledger.Job) { *j = *r.Job }); err != nil {
			return err
		}
		return r.settleRedone(tx)
	})
}

// TakeUp records the job of a schedule that died, or says that its fate is
// uncertain. It never submits.
func (r *Recording) TakeUp(ctx context.Context, job ledger.Job) error {
	a, err := readAnswer(job.SubmitFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dir := filepath.Join(r.Top, job.Pwd)
	if job.AltDir != "" {
		dir = filepath.Join(job.AltDir, job.Pwd)
	}
	id, cluster, ok := r.Scheduler.ParseSubmission(a.Stdout)
	if !ok {
		why := a.Reason()
		if why == "" {
			why = "the process that submitted it died, and the output of its line names no job id"
		}
		return r.keepUncertain(ctx, &job, why, r.candidates(ctx, job.CreatedAt, dir))
	}
	*r.Job, *r.Provenance, r.Dir = job, jobrec.Of(&job), dir
	if err := r.Record(ctx, id, cluster, job.CreatedAt); err != nil {
		return err
	}
	r.Dataset.Env.Log.Warn(fmt.Sprintf("job %s was submitted by an identical command that did not live to record it; it is adopted, and nothing was submitted again", id))
	return nil
}

// Release gives the claim back.
func (r *Recording) Release(ctx context.Context) error {
	err := r.change(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		return tx.Finish(ledger.Closing{ID: r.Job.ID, Outcome: ledger.Released})
	})
	ledger.DropCopy(r.Job)
	return err
}

// settleRedone notes in the old job that its failed tasks are another's now.
func (r *Recording) settleRedone(tx *ledger.Tx) error {
	redone := r.Provenance.Redo
	if redone == nil || redone.Job == "" {
		return nil
	}
	old, err := tx.Get(redone.Row)
	if err != nil || old.JobID != redone.Job || old.State != ledger.StateOpen {
		return nil // closed, or the ledger was rebuilt: nothing to note
	}
	list, err := sched.ParseTaskList(redone.Array)
	if err != nil {
		return err
	}
	return tx.Transition(old.ID, ledger.StateOpen, func(j *ledger.Job) {
		ends := map[string]jobrec.TaskEnd{}
		for _, n := range list.IDs {
			ends[strconv.Itoa(n)] = jobrec.TaskEnd{Outcome: ledger.ClosedFailed}
		}
		jobrec.SettleTasks(j, ends)
	})
}
