package jobs

import (
	"fmt"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/ledger"
)

// PendingInputError says that an input is still to be made by an open job.
type PendingInputError struct {
	Input string
	Claim string // what the job claimed
	Job   ledger.Job
}

func (e *PendingInputError) Error() string {
	return fmt.Sprintf("input %s will be produced by job %s, which is still open (it claimed %s)", e.Input, label(&e.Job), e.Claim)
}

// checkPending returns a *PendingInputError for an input that lies in, or may
// match, the claim of an open job.
func (c *scheduling) checkPending(tx *ledger.Tx) error {
	for _, g := range c.w.inputGlobs() {
		for _, text := range g.Paths() {
			spec, err := c.w.canonical(text)
			if err != nil {
				return fmt.Errorf("input %w", err)
			}
			if spec.Outside {
				continue
			}
			claims, err := tx.Overlapping(c.w.top, spec.Fixed)
			if err != nil {
				return err
			}
			for _, cl := range claims {
				if !within(spec.Fixed, cl.Path) && !mayMatch(spec.Pattern, cl.Path) {
					continue
				}
				job, err := tx.Get(cl.Job)
				if err != nil {
					return err
				}
				err = &PendingInputError{Input: text, Claim: cl.Path, Job: job}
				return errs.WithHint(err, "wait for that job and finish it first")
			}
		}
	}
	return nil
}
