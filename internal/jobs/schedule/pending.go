package schedule

import (
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
	"github.com/stemma-data/stemma/internal/ledger"
)

// PendingInputError says that an input is still to be made by an open job.
type PendingInputError struct {
	Input string
	Claim string // what the job claimed
	Job   ledger.Job
	Why   string // the job cannot be waited for
}

func (e *PendingInputError) Error() string {
	return fmt.Sprintf("input %s will be produced by job %s, which %s (it claimed %s)", e.Input, jobrec.Label(&e.Job), e.Why, e.Claim)
}

// pendingInput is an input that lies in, or may match, a claim of an open job.
type pendingInput struct {
	text    string // as the user wrote it
	pattern string // relative to the top
	claim   string
	job     ledger.Job
	task    string // the one task that makes it; "" for any, or no array
}

// pendingInputs says that inputs must be settled before the claim.
type pendingInputs struct{ list []pendingInput }

func (e *pendingInputs) Error() string { return e.refuse(&e.list[0], "is still open").Error() }

// Unwrap shows the error that callers know.
func (e *pendingInputs) Unwrap() error { return e.refuse(&e.list[0], "is still open") }

func (e *pendingInputs) refuse(p *pendingInput, why string) error {
	err := &PendingInputError{Input: p.text, Claim: p.claim, Job: p.job, Why: why}
	hint := "wait for that job and finish it first"
	if p.job.State != ledger.StateOpen {
		hint = "repeat the command when it is submitted: the new job waits for it then"
	}
	return errs.WithHint(err, "%s", hint)
}

// checkPending returns *pendingInputs for inputs that lie in, or may match, the
// claims of open jobs, unless the new job will wait for those.
func (c *Job) checkPending(tx *ledger.Tx) error {
	var found []pendingInput
	for _, g := range c.w.InputGlobs() {
		for _, text := range g.Paths() {
			spec, err := c.w.Canonical(text)
			if err != nil {
				return fmt.Errorf("input %w", err)
			}
			if spec.Outside {
				continue
			}
			list, err := c.producersOf(tx, text, spec)
			if err != nil {
				return err
			}
			found = append(found, list...)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return &pendingInputs{found}
}

func (c *Job) producersOf(tx *ledger.Tx, text string, spec jobpath.Spec) (found []pendingInput, err error) {
	claims, err := tx.Overlapping(c.w.Top, spec.Fixed)
	if err != nil {
		return nil, err
	}
	for _, cl := range claims {
		if !jobpath.Within(spec.Fixed, cl.Path) && !jobpath.MayMatch(spec.Pattern, cl.Path) {
			continue
		}
		job, err := tx.Get(cl.Job)
		if err != nil {
			return nil, err
		}
		if c.takesCommitted(&job, spec) {
			continue
		}
		if jobrec.FolderClaim(&job, cl.Path) {
			if !jobrec.MayMake(&job, spec) {
				continue
			}
			cl.Path = spec.Fixed
		}
		p := pendingInput{text: text, pattern: spec.Pattern, claim: cl.Path, job: job, task: jobrec.TaskOf(&job, spec, cl.Path)}
		if p.task != "" && jobrec.SettledTasks(&job)[p.task].Outcome == ledger.Committed || c.waitsFor(&p) {
			continue
		}
		found = append(found, p)
	}
	return found, nil
}

// takesCommitted reports whether an input of this isolated job is what the
// branch has, although another isolated job will make a new version of it.
func (c *Job) takesCommitted(j *ledger.Job, spec jobpath.Spec) bool {
	return c.iso != nil && j.Isolated != "" && (spec.Wild() || c.iso.files.Exists(c.w.Top+"/"+spec.Fixed))
}

func (c *Job) waitsFor(p *pendingInput) bool {
	for _, a := range c.prov.After {
		if a.Is(&p.job) && a.Task == p.task && slices.Contains(a.Claims, p.claim) && slices.Contains(a.Inputs, p.pattern) {
			return true
		}
	}
	return false
}
