package jobs

import (
	"context"
	"slices"
)

// planClaims is plan as far as the claims are concerned.
func (c *scheduling) planClaims(ctx context.Context, subst map[string]string) (err error) {
	if err = c.w.fillSpecs(subst); err == nil {
		c.out, err = c.w.claimOutputs(ctx, c.d, c.batch.start.view)
	}
	return err
}

// claims are the paths that a planned job claims.
func (c *scheduling) claims() []string { return c.out.Claims }

// needs lists the inputs that are not there yet, as far as they are plain
// paths: another job may make them.
func (c *scheduling) needs() (list []string) {
	for _, text := range slices.Concat(c.w.inputs, c.w.extra) {
		spec, err := c.w.canonical(text)
		if err != nil || spec.Outside || spec.wild() || len(existing(c.w.top, []string{spec.Fixed})) > 0 {
			continue
		}
		list = append(list, spec.Fixed)
	}
	return list
}

// claimFailed says why a job of a batch could not be claimed; nil: it was, or
// need not be.
func (c *scheduling) claimFailed() error { return c.failed }

// sameJob names the open job that stands for one of a batch; "": there is none.
func (c *scheduling) sameJob() string { return c.already }

// takesUp reports whether a job is there already, from a call that died.
func (c *scheduling) takesUp() bool { return c.adopt != nil }

// unrecorded says why the ledger does not know a job that was submitted.
func (c *scheduling) unrecorded() error { return c.unsaved }

// name is the job's id, as people call it.
func (c *scheduling) name() string { return label(&c.job) }
