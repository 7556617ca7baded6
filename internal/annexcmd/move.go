package annexcmd

import (
	"context"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
)

// MoveHere brings content here and removes the copies of all remotes that can
// be written to.
func (s *Session) MoveHere(ctx context.Context, files []File) error {
	r, err := s.Repositories(ctx)
	if err != nil {
		return err
	}
	for _, p := range r.Peers {
		if _, ok := p.Remote.(remote.Keeper); !ok || r.trees[p.UUID()] {
			continue
		}
		if err := s.MoveFrom(ctx, p.Spec.Name, files); err != nil {
			return err
		}
	}
	return nil
}

// MoveFrom brings content here and removes the remote's copy.
func (s *Session) MoveFrom(ctx context.Context, from string, files []File) error {
	d, err := s.NewDropper(ctx, from)
	if err != nil {
		return err
	}
	g, err := s.NewGetter(ctx, GetOptions{From: from, Command: "move"})
	if err != nil {
		return err
	}
	report := s.Report
	defer func() { s.Report = report }()
	fetched := map[string]bool{}
	s.Report = func(o Outcome) error {
		if o.Failed {
			return report(o)
		}
		fetched[o.Key.String()] = true
		return nil
	}
	if files, err = s.admitted(ctx, d, files); err != nil {
		return err
	}
	for _, f := range files {
		if _, err := g.Add(ctx, f); err != nil {
			return err
		}
	}
	if err := g.Flush(ctx); err != nil {
		return err
	}
	s.Report = report
	for _, f := range files {
		if !s.D.Annex.Has(f.Key) {
			continue
		}
		where, err := s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
		if err != nil {
			return err
		}
		if !s.holds(ctx, *d.from, where, f.Key) {
			continue
		}
		spare := 0
		if fetched[f.Key.String()] {
			num, least, err := s.neededCopies(ctx, f)
			if err != nil {
				return err
			}
			spare = max(num, least) - 1 // the number of copies stays as it was
		}
		note := short("from " + d.from.Spec.Name + "...")
		item := f.Item("move")
		ok, o, err := d.allowed(ctx, f, d.from.UUID(), item)
		if err != nil {
			return err
		}
		if !ok {
			err = s.Report(notMoved(o, d.from.Spec.Name, note))
		} else {
			err = d.removeFrom(ctx, f, item, spare, note)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
