package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
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

// errNoJob is DataLad's text for a line that submitted nothing.
var errNoJob = errors.New("No job was submitted to slurm. Check your submission script exists and is valid.") //nolint:staticcheck // DataLad's text

// submit runs the user's line and records the job.
func (c *scheduling) submit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	started := c.d.Now()
	a, err := submission{
		line: c.submitted(), dir: c.staged, env: append(append([]string{}, c.d.Env.Vars...), c.s.Environ()...),
		file: c.job.SubmitFile, stdin: c.opt.Stdin, stderr: c.opt.Stderr, repo: c.d.Repo,
		slow: func() {
			c.d.Env.Log.Warn(fmt.Sprintf("the submission still runs after %v: %s (an interrupt leaves it running; the same command takes its job up then)", longSubmission, c.submitted()))
		},
	}.run(ctx)
	if errors.Is(err, errInterrupted) {
		return errs.WithHint(err, "the claim is kept; repeat the same command to take up the job")
	}
	if err != nil {
		return err
	}
	c.opt.step.at("submitted")
	c.prov.Stderr, c.prov.Exit = string(a.stderr[max(0, len(a.stderr)-4096):]), a.exit
	id, cluster, ok := c.s.ParseSubmission(a.stdout)
	if !ok {
		return c.unanswered(ctx, a, started)
	}
	return c.record(ctx, id, cluster, started)
}

// unanswered decides what no job id means.
func (c *scheduling) unanswered(ctx context.Context, a answer, started time.Time) error {
	why := a.reason()
	if why == "" {
		why = "its output names no job id"
	}
	var found []sched.Candidate
	if a.exit == 0 || a.mayHaveSubmitted() {
		found = c.candidates(ctx, started, c.staged)
	}
	if len(found) == 0 && !a.mayHaveSubmitted() {
		if len(a.stdout) > 0 && a.exit == 0 {
			why += fmt.Sprintf(": %.200q", a.stdout)
		}
		hint := "nothing was recorded, the outputs are free again"
		if c.s.Name() != "local" {
			hint += "; where Slurm does not answer, --scheduler local runs the job on this machine"
		}
		return errs.WithHint(fmt.Errorf("%w (%s)", errNoJob, why), "%s", hint)
	}
	return c.keepUncertain(ctx, &c.job, why, found)
}

// clockSkew is by how much the clocks of nodes may differ unnoticed.
const clockSkew = 10 * time.Minute

// candidates asks for jobs that a submission may have started in dir. A
// scheduler that does not answer has none to show.
func (c *scheduling) candidates(ctx context.Context, since time.Time, dir string) []sched.Candidate {
	ctx, cancel := context.WithTimeout(ctx, schedulerPatience)
	defer cancel()
	all, err := c.s.Candidates(ctx, since.Truncate(time.Second).Add(-clockSkew))
	if err != nil {
		c.d.Env.Log.Warn(fmt.Sprintf("asking the scheduler for jobs that may be this one: %v", err))
	}
	fit := slices.DeleteFunc(all, func(cand sched.Candidate) bool { return cand.WorkDir != "" && !sameFolder(cand.WorkDir, dir) })
	if len(fit) == 0 {
		return nil
	}
	known := c.known(ctx, fit)
	return slices.DeleteFunc(fit, func(cand sched.Candidate) bool { return known[cand.ID] })
}

// known are the ids that the ledger has, open or closed.
func (c *scheduling) known(ctx context.Context, list []sched.Candidate) map[string]bool {
	known := map[string]bool{}
	// Without an answer the list of candidates is longer, no harm.
	_ = withLedger(context.WithoutCancel(ctx), c.d, "schedule", func(l *ledger.Ledger) error {
		for _, cand := range list {
			j, err := l.ByJobID(ctx, cand.ID)
			known[cand.ID] = err == nil && !j.SubmittedAt.Before(cand.Submitted.Add(-clockSlack))
		}
		return nil
	})
	return known
}

// schedulerPatience bounds a question to a scheduler that may hang.
const schedulerPatience = 30 * time.Second

func sameFolder(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// keepUncertain leaves the claim for somebody to settle.
func (c *scheduling) keepUncertain(ctx context.Context, job *ledger.Job, why string, found []sched.Candidate) error {
	prov := getProvenance(job)
	prov.Note = why
	err := withLedger(context.WithoutCancel(ctx), c.d, "schedule", func(l *ledger.Ledger) error {
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
func (c *scheduling) record(ctx context.Context, id, cluster string, submitted time.Time) error {
	c.job.JobID, c.job.Cluster, c.job.SubmittedAt = id, cluster, submitted.UTC()
	claimed := c.job.State == ledger.StateSubmitting
	c.job.State, c.prov.Stamp = ledger.StateOpen, time.Time{}
	describe(ctx, c.d, c.s, &c.job, &c.prov)
	c.prov.store(&c.job)
	c.opt.step.at("described")
	err := c.keep(context.WithoutCancel(ctx), claimed)
	if err != nil {
		return fmt.Errorf("job %s was submitted, but could not be recorded: %w; repeat the same command to record it", id, err)
	}
	c.opt.step.at("recorded")
	if c.sweep == nil {
		c.d.Env.Log.Info("submitted as job " + id)
	}
	return c.verify(ctx)
}

// keep makes the job durable. A row that is still a claim needs no second visit
// to the ledger: what is told beside it is taken in by whoever comes next.
func (c *scheduling) keep(ctx context.Context, claimed bool) error {
	if claimed && c.sweep == nil && c.prov.Redo == nil {
		err := ledger.Tell(&c.job)
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	_ = ledger.WriteCopy(&c.job) // insurance against a damaged ledger
	row := c.job.ID
	return c.change(ctx, func(tx *ledger.Tx) error {
		now, err := tx.Get(row)
		if err != nil {
			return err
		}
		if err := tx.Transition(row, now.State, func(j *ledger.Job) { *j = c.job }); err != nil {
			return err
		}
		return c.settleRedone(tx)
	})
}

// findTwin looks for the claim of an identical schedule whose process is gone.
// If its line has told a job id, adopt is set; if the line never ran, the row
// is returned, to be taken over. Otherwise nobody knows, and an error says so.
func (c *scheduling) findTwin(ctx context.Context, l *ledger.Ledger) (int64, error) {
	list, err := c.twins(ctx, l)
	if err != nil {
		return 0, err
	}
	for _, job := range list {
		if job.State != ledger.StateSubmitting && job.State != ledger.StateUncertain {
			continue
		}
		switch fateOf(&job, c.s) {
		case lineTold:
			c.adopt = &job
			return 0, nil
		case lineNeverRan:
			if job.Isolated != "" {
				c.stale = append(c.stale, job.AltDir)
			}
			return job.ID, nil
		case lineRuns:
			if c.iso != nil {
				continue // they run side by side
			}
			return 0, nil // the conflict of the claims says the rest
		}
		c.adopt = &job
		return 0, nil
	}
	return 0, nil
}

// lineFate is what is known of a submission whose process may be gone.
type lineFate int

const (
	lineRuns     lineFate = iota // or its process does, or nobody can tell
	lineTold                     // its output is there
	lineNeverRan                 // there is no output file, and there will be none
	lineUnclear                  // it ran, and what it wrote has no job id
)

// fateOf looks at the owner and at what the line left.
func fateOf(job *ledger.Job, s sched.Scheduler) lineFate {
	if job.State == ledger.StateSubmitting && job.Owner.Fate() != fsx.Dead {
		return lineRuns
	}
	a, err := readAnswer(job.SubmitFile)
	switch {
	case errors.Is(err, os.ErrNotExist) && job.State == ledger.StateSubmitting:
		return lineNeverRan
	case err != nil:
		return lineUnclear
	}
	if _, _, ok := s.ParseSubmission(a.stdout); ok && strings.HasSuffix(string(a.stdout), "\n") {
		return lineTold
	}
	if submitting(job.SubmitFile) {
		return lineRuns
	}
	return lineUnclear
}

// takeUp records the job of a schedule that died, or says that its fate is
// uncertain. It never submits.
func (c *scheduling) takeUp(ctx context.Context) error {
	job := *c.adopt
	a, err := readAnswer(job.SubmitFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dir := filepath.Join(c.w.top, job.Pwd)
	if job.AltDir != "" {
		dir = filepath.Join(job.AltDir, job.Pwd)
	}
	id, cluster, ok := c.s.ParseSubmission(a.stdout)
	if !ok {
		why := a.reason()
		if why == "" {
			why = "the process that submitted it died, and the output of its line names no job id"
		}
		return c.keepUncertain(ctx, &job, why, c.candidates(ctx, job.CreatedAt, dir))
	}
	c.job, c.prov, c.staged = job, getProvenance(&job), dir
	if err := c.record(ctx, id, cluster, job.CreatedAt); err != nil {
		return err
	}
	c.d.Env.Log.Warn(fmt.Sprintf("job %s was submitted by an identical command that did not live to record it; it is adopted, and nothing was submitted again", id))
	return nil
}
