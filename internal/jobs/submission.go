package jobs

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

// recording brings what a submission has told into the ledger.
type recording struct {
	d    *dataset.Dataset
	s    sched.Scheduler
	top  string // the work tree without symlinks
	job  *ledger.Job
	prov *provenance
	dir  string // folder that the line runs in
	step steps
	many bool // one of many jobs that are scheduled together: it says less
	// later changes the job's row together with those of others; nil: at once.
	later func(ctx context.Context, fn func(*ledger.Tx) error) error
}

// change changes the job's row in the ledger. fn changes nothing where it fails.
func (r *recording) change(ctx context.Context, fn func(*ledger.Tx) error) error {
	if r.later != nil {
		return r.later(ctx, fn)
	}
	return withLedger(ctx, r.d, "schedule", func(l *ledger.Ledger) error { return l.Update(ctx, fn) })
}

// errNoJob is DataLad's text for a line that submitted nothing.
var errNoJob = errors.New("No job was submitted to slurm. Check your submission script exists and is valid.") //nolint:staticcheck // DataLad's text

// unanswered decides what no job id means.
func (r *recording) unanswered(ctx context.Context, a answer, started time.Time) error {
	why := a.reason()
	if why == "" {
		why = "its output names no job id"
	}
	var found []sched.Candidate
	if a.exit == 0 || a.mayHaveSubmitted() {
		found = r.candidates(ctx, started, r.dir)
	}
	if len(found) == 0 && !a.mayHaveSubmitted() {
		if len(a.stdout) > 0 && a.exit == 0 {
			why += fmt.Sprintf(": %.200q", a.stdout)
		}
		hint := "nothing was recorded, the outputs are free again"
		if r.s.Name() != "local" {
			hint += "; where Slurm does not answer, --scheduler local runs the job on this machine"
		}
		return errs.WithHint(fmt.Errorf("%w (%s)", errNoJob, why), "%s", hint)
	}
	return r.keepUncertain(ctx, r.job, why, found)
}

// clockSkew is by how much the clocks of nodes may differ unnoticed.
const clockSkew = 10 * time.Minute

// candidates asks for jobs that a submission may have started in dir. A
// scheduler that does not answer has none to show.
func (r *recording) candidates(ctx context.Context, since time.Time, dir string) []sched.Candidate {
	ctx, cancel := context.WithTimeout(ctx, schedulerPatience)
	defer cancel()
	all, err := r.s.Candidates(ctx, since.Truncate(time.Second).Add(-clockSkew))
	if err != nil {
		r.d.Env.Log.Warn(fmt.Sprintf("asking the scheduler for jobs that may be this one: %v", err))
	}
	fit := slices.DeleteFunc(all, func(cand sched.Candidate) bool { return cand.WorkDir != "" && !sameFolder(cand.WorkDir, dir) })
	if len(fit) == 0 {
		return nil
	}
	known := r.known(ctx, fit)
	return slices.DeleteFunc(fit, func(cand sched.Candidate) bool { return known[cand.ID] })
}

// known are the ids that the ledger has, open or closed.
func (r *recording) known(ctx context.Context, list []sched.Candidate) map[string]bool {
	known := map[string]bool{}
	// Without an answer the list of candidates is longer, no harm.
	_ = withLedger(context.WithoutCancel(ctx), r.d, "schedule", func(l *ledger.Ledger) error {
		for _, cand := range list {
			j, err := l.ByJobID(ctx, cand.ID)
			known[cand.ID] = err == nil && !j.SubmittedAt.Before(cand.Submitted.Add(-clockSlack))
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
func (r *recording) keepUncertain(ctx context.Context, job *ledger.Job, why string, found []sched.Candidate) error {
	prov := getProvenance(job)
	prov.Note = why
	err := withLedger(context.WithoutCancel(ctx), r.d, "schedule", func(l *ledger.Ledger) error {
		now, err := l.Get(ctx, job.ID)
		if err != nil || now.State == ledger.StateUncertain {
			return err
		}
		return l.Transition(ctx, job.ID, now.State, func(j *ledger.Job) {
			j.State = ledger.StateUncertain
			prov.store(j)
		})
	})
	if err != nil {
		return err
	}
	return (&UncertainError{Row: job.ID, Why: why, Candidates: found}).hinted()
}

// record asks the scheduler what it knows of the new job, and stores its id.
// The id is stored even if nothing else can be learned.
func (r *recording) record(ctx context.Context, id, cluster string, submitted time.Time) error {
	r.job.JobID, r.job.Cluster, r.job.SubmittedAt = id, cluster, submitted.UTC()
	claimed := r.job.State == ledger.StateSubmitting
	r.job.State, r.prov.Stamp = ledger.StateOpen, time.Time{}
	describe(ctx, r.d, r.s, r.job, r.prov)
	r.prov.store(r.job)
	r.step.at("described")
	err := r.keep(context.WithoutCancel(ctx), claimed)
	if err != nil {
		return fmt.Errorf("job %s was submitted, but could not be recorded: %w; repeat the same command to record it", id, err)
	}
	r.step.at("recorded")
	if !r.many {
		r.d.Env.Log.Info("submitted as job " + id)
	}
	return r.verify(ctx)
}

// keep makes the job durable. A row that is still a claim needs no second visit
// to the ledger: what is told beside it is taken in by whoever comes next.
func (r *recording) keep(ctx context.Context, claimed bool) error {
	if claimed && !r.many && r.prov.Redo == nil {
		err := ledger.Tell(r.job)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	_ = ledger.WriteCopy(r.job) // insurance against a damaged ledger
	row := r.job.ID
	return r.change(ctx, func(tx *ledger.Tx) error {
		now, err := tx.Get(row)
		if err != nil {
			return err
		}
		if err := tx.Transition(row, now.State, func(j *ledger.Job) { *j = *r.job }); err != nil {
			return err
		}
		return r.settleRedone(tx)
	})
}

// takeUp records the job of a schedule that died, or says that its fate is
// uncertain. It never submits.
func (r *recording) takeUp(ctx context.Context, job ledger.Job) error {
	a, err := readAnswer(job.SubmitFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dir := filepath.Join(r.top, job.Pwd)
	if job.AltDir != "" {
		dir = filepath.Join(job.AltDir, job.Pwd)
	}
	id, cluster, ok := r.s.ParseSubmission(a.stdout)
	if !ok {
		why := a.reason()
		if why == "" {
			why = "the process that submitted it died, and the output of its line names no job id"
		}
		return r.keepUncertain(ctx, &job, why, r.candidates(ctx, job.CreatedAt, dir))
	}
	*r.job, *r.prov, r.dir = job, getProvenance(&job), dir
	if err := r.record(ctx, id, cluster, job.CreatedAt); err != nil {
		return err
	}
	r.d.Env.Log.Warn(fmt.Sprintf("job %s was submitted by an identical command that did not live to record it; it is adopted, and nothing was submitted again", id))
	return nil
}

// release gives the claim back.
func (r *recording) release(ctx context.Context) error {
	err := r.change(context.WithoutCancel(ctx), func(tx *ledger.Tx) error {
		return tx.Finish(ledger.Closing{ID: r.job.ID, Outcome: ledger.Released})
	})
	ledger.DropCopy(r.job)
	return err
}

// settleRedone notes in the old job that its failed tasks are another's now.
func (r *recording) settleRedone(tx *ledger.Tx) error {
	redone := r.prov.Redo
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
		ends := map[string]taskEnd{}
		for _, n := range list.IDs {
			ends[strconv.Itoa(n)] = taskEnd{Outcome: ledger.ClosedFailed}
		}
		settleTasks(j, ends)
	})
}
