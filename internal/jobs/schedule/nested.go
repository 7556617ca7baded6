package schedule

import (
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/jobs/jobpath"
	"github.com/stemma-data/stemma/internal/jobs/nested"
	"github.com/stemma-data/stemma/internal/ledger"
)

// planNested notes in which subdatasets outputs lie, and what is checked out
// there.
func (c *Job) planNested(ctx context.Context) error {
	for _, claim := range c.out.Claims {
		l, err := c.start.tree.Of(ctx, claim)
		if err != nil {
			return err
		}
		for ; l.Above() != nil; l = l.Above() {
			if c.prov.Subdatasets == nil {
				c.prov.Subdatasets = map[string]string{}
			}
			c.prov.Subdatasets[l.Rel] = l.Head.Ref
		}
	}
	return nil
}

// checkNeighbours looks whether an open job of another dataset of the hierarchy
// writes the same files: claims are kept by the dataset that a job is scheduled
// in. It comes after the claim, so that of two jobs that are scheduled at once
// one at least sees the other.
func (c *Job) checkNeighbours(ctx context.Context) error {
	if c.opt.NoCheck || c.iso != nil {
		return nil
	}
	err := errors.Join(c.checkAbove(ctx), c.checkInputsOfNeighbours(ctx))
	for _, claim := range c.out.Claims {
		var l *nested.Level
		if err == nil {
			l, err = c.start.tree.Of(ctx, claim)
		}
		for ; err == nil && l.Above() != nil; l = l.Above() {
			err = checkClaims(ctx, l.Dataset, ".", []string{l.Inside(claim)}, "the subdataset "+l.Rel)
		}
	}
	return err
}

// checkAbove looks at the claims of the datasets that this one lies in.
func (c *Job) checkAbove(ctx context.Context) error {
	return c.d.Above(ctx, func(super *dataset.Dataset, rel string) error {
		paths := make([]string, len(c.out.Claims))
		for i, claim := range c.out.Claims {
			paths[i] = path.Join(rel, claim)
		}
		return checkClaims(ctx, super, rel, paths, "the superdataset "+super.Path())
	})
}

// checkInputsOfNeighbours refuses inputs in subdatasets that open jobs of those
// will make: no job can wait for a job that another ledger knows.
func (c *Job) checkInputsOfNeighbours(ctx context.Context) error {
	for _, g := range c.w.InputGlobs() {
		for _, text := range g.Paths() {
			spec, err := c.w.Canonical(text)
			if err != nil || spec.Outside {
				continue // which is looked at elsewhere
			}
			l, err := c.start.tree.Of(ctx, spec.Fixed)
			var absent *nested.AbsentError
			if errors.As(err, &absent) {
				continue
			}
			for ; err == nil && l.Above() != nil; l = l.Above() {
				err = checkClaims(ctx, l.Dataset, ".", []string{l.Inside(spec.Fixed)}, "the subdataset "+l.Rel)
				var conflict *ledger.ConflictError
				if errors.As(err, &conflict) {
					err = (&pendingInputs{}).refuse(&pendingInput{text: text, claim: path.Join(l.Rel, conflict.OtherPath), job: conflict.Other}, "is still open in the subdataset "+l.Rel)
				}
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// checkClaims returns a *ledger.ConflictError where an open job of a dataset
// has claimed one of the paths, by what lies below a folder.
func checkClaims(ctx context.Context, d *dataset.Dataset, folder string, paths []string, where string) error {
	if !ledger.HasOpen(commit.StateDir(d.Repo)) {
		return nil
	}
	top, err := d.RealPath()
	if err != nil {
		return err
	}
	err = jobdb.With(ctx, d, "look at claims", func(l *ledger.Ledger) error {
		for _, p := range paths {
			claims, err := l.Overlapping(ctx, top, p)
			if err != nil {
				return err
			}
			claims = slices.DeleteFunc(claims, func(c ledger.Claim) bool { return !jobpath.Within(c.Path, folder) })
			if len(claims) == 0 {
				continue
			}
			other, err := l.Get(ctx, claims[0].Job)
			if err != nil {
				return err
			}
			return &ledger.ConflictError{Path: p, OtherPath: claims[0].Path, Other: other}
		}
		return nil
	})
	var conflict *ledger.ConflictError
	if errors.As(err, &conflict) {
		return errs.WithHint(fmt.Errorf("%w, which was scheduled in %s", err, where), "finish job %s there, or adjust the outputs of this one first", conflict.Other.JobID)
	}
	return err
}

// prepareOutputs makes existing outputs, relative to the top, writable where
// they lie. undo is never nil.
func (c *Job) prepareOutputs(ctx context.Context, paths []string) (undo func() error, err error) {
	var undos []func() error
	undo = func() error {
		var failed error
		for _, u := range undos {
			failed = errors.Join(failed, u())
		}
		return failed
	}
	byLevel := map[*nested.Level][]string{}
	for _, p := range paths {
		l, err := c.start.tree.Of(ctx, filepath.ToSlash(p))
		if err != nil {
			return undo, err
		}
		byLevel[l] = append(byLevel[l], l.Inside(p))
	}
	for l, inside := range byLevel {
		u, err := l.Dataset.PrepareOutputs(ctx, inside, dataset.PrepareOptions{KeepAbsent: true}, c.sink)
		if u != nil {
			undos = append(undos, u)
		}
		if err != nil {
			return undo, err
		}
	}
	return undo, nil
}
