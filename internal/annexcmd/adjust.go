package annexcmd

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexmerge"
	"github.com/stemma-data/stemma/internal/errs"
)

// ResolveMerge resolves the merge that is in progress.
func (s *Session) ResolveMerge(ctx context.Context) error {
	item := Item{Command: "resolvemerge", NoFile: true}
	if err := annexmerge.InProgress(ctx, s.D); err != nil {
		o := item.error(err)
		if h := errs.Hint(err); h != "" {
			o.Errors = append(o.Errors, "hint: "+h)
		}
		return s.Report(o)
	}
	return s.Report(item.ok())
}

// Adjust checks out the adjusted form of the present branch.
func (s *Session) Adjust(ctx context.Context, a annex.Adjustment) error {
	if err := adjusted.Enter(ctx, s.D, a, s.Force); err != nil {
		return err
	}
	return s.Report(Item{Command: "adjust", NoFile: true}.ok())
}

// mergeAdjusted merges refs into the original branch of an adjusted one, which
// is made anew also where only files have come or gone that it shows.
func (s *Session) mergeAdjusted(ctx context.Context, opt SyncOptions, refs ...string) error {
	a, err := s.D.Adjusted(ctx)
	if err != nil {
		return err
	}
	if a == nil {
		return errors.New("merge: nothing tells what the adjusted branch was made of")
	}
	if opt, err = s.resolving(ctx, opt); err != nil {
		return err
	}
	return adjusted.Merge(ctx, s.D, adjusted.Options{
		Refs: refs, Unrelated: opt.AllowUnrelated, NoResolve: opt.NoResolve, Anew: a.HideMissing || a.UnlockPresent,
	})
}
