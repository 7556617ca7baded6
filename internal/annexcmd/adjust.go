package annexcmd

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/adjusted"
	"github.com/stemma-data/stemma/internal/annex"
)

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
	return adjusted.Merge(ctx, s.D, adjusted.Options{
		Refs: refs, Unrelated: opt.AllowUnrelated, NoResolve: opt.NoResolve, Anew: a.HideMissing || a.UnlockPresent,
	})
}
