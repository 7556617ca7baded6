package schedule

import (
	"context"
	"slices"

	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/jobrec"
)

// PlanClaims is plan as far as the claims are concerned.
func (c *Job) PlanClaims(ctx context.Context, subst map[string]string) (err error) {
	if err = c.w.FillSpecs(subst); err == nil {
		c.out, err = c.w.ClaimOutputs(ctx, c.d, c.batch.start.tree)
	}
	return err
}

// Claims are the paths that a planned job claims.
func (c *Job) Claims() []string { return c.out.Claims }

// Needs lists the inputs that are not there yet, as far as they are plain
// paths: another job may make them.
func (c *Job) Needs() (list []string) {
	for _, text := range slices.Concat(c.w.Inputs, c.w.Extra) {
		spec, err := c.w.Canonical(text)
		if err != nil || spec.Outside || spec.Wild() || len(jobpath.Existing(c.w.Top, []string{spec.Fixed})) > 0 {
			continue
		}
		list = append(list, spec.Fixed)
	}
	return list
}

// ClaimFailed says why a job of a batch could not be claimed; nil: it was, or
// need not be.
func (c *Job) ClaimFailed() error { return c.failed }

// SameJob names the open job that stands for one of a batch; "": there is none.
func (c *Job) SameJob() string { return c.already }

// TakesUp reports whether a job is there already, from a call that died.
func (c *Job) TakesUp() bool { return c.adopt != nil }

// Unrecorded says why the ledger does not know a job that was submitted.
func (c *Job) Unrecorded() error { return c.unsaved }

// Name is the job's id, as people call it.
func (c *Job) Name() string { return jobrec.Label(&c.job) }
