package annexcmd

import (
	"context"
	"errors"
	"slices"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
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
		if _, ok := p.Remote.(remote.Keeper); !ok || r.trust.Trees[p.UUID()] {
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
	d, err := s.newTaker(ctx, from)
	if err != nil {
		return err
	}
	if files, err = s.admitted(ctx, d.drop, files); err != nil {
		return err
	}
	wctx := context.WithoutCancel(ctx)
	for list := range slices.Chunk(files, movePortion) {
		if err = d.take(ctx, list); err != nil {
			break
		}
		if len(d.over) < manyOver {
			continue
		}
		if err = d.finish(wctx); err != nil {
			return err
		}
	}
	return errors.Join(err, d.finish(wctx))
}

// taker moves content from a remote to our annex.
type taker struct {
	*mover
	get  *Getter
	from dataset.Peer
}

func (s *Session) newTaker(ctx context.Context, from string) (*taker, error) {
	drop, err := s.NewDropper(ctx, from)
	if err != nil {
		return nil, err
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	p, err := r.Peer(from)
	if err != nil {
		return nil, err
	}
	d := &taker{from: p}
	if d.mover, err = s.newMover(ctx, p.UUID(), r.here, nil); err != nil {
		return nil, err
	}
	d.drop = drop
	d.get, err = s.NewGetter(ctx, GetOptions{From: from, Command: "move", Move: true})
	return d, err
}

// take moves some files.
func (d *taker) take(ctx context.Context, files []File) error {
	lacked, err := d.resume(ctx, files)
	if err != nil {
		return err
	}
	if err := d.fetch(ctx, files, lacked); err != nil {
		return err
	}
	// Before the remote loses anything, every reader can see where else it is.
	if err := d.s.publish(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	for _, f := range files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		settled, err := d.deliver(ctx, f, lacked[f.Key])
		if err != nil {
			return err
		}
		if settled {
			d.ends(f.Key)
		}
	}
	return nil
}

// resume finds what an earlier process began to bring here. What has come is
// logged, which a git-annex that went on meanwhile does not do.
func (d *taker) resume(ctx context.Context, files []File) (lacked map[annexkey.Key]bool, err error) {
	lacked = map[annexkey.Key]bool{}
	for _, f := range files {
		if d.moves.Begun(d.way(f.Key)) {
			lacked[f.Key] = true
		}
		if !d.s.D.Annex.Has(f.Key) {
			continue
		}
		where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
		if err == nil && !contains(where, d.repos.here) {
			err = d.s.SetLocation(ctx, f.Key, d.repos.here, annexlog.StatusPresent)
		}
		if err != nil {
			return nil, err
		}
	}
	return lacked, nil
}

// fetch brings here what is not, and adds what has come to lacked.
func (d *taker) fetch(ctx context.Context, files []File, lacked map[annexkey.Key]bool) error {
	report := d.s.Report
	defer func() { d.s.Report = report }()
	d.s.Report = func(o Outcome) error {
		if o.Failed {
			return report(o)
		}
		lacked[o.Key] = true
		return nil
	}
	for _, f := range files {
		if _, err := d.get.Add(ctx, f); err != nil {
			return err
		}
	}
	var ways []annex.Moving
	for _, w := range d.get.waiting {
		ways = append(ways, d.way(w.Key))
	}
	if err := d.moves.Begin(ctx, ways); err != nil {
		return err
	}
	if err := d.get.Flush(ctx); err != nil {
		return err
	}
	return d.again(ctx, d.from.Remote, ways)
}

// deliver removes the remote's copy of what is here. settled is false where that
// can be taken up again.
func (d *taker) deliver(ctx context.Context, f File, lacked bool) (settled bool, err error) {
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil || !d.s.D.Annex.Has(f.Key) || !d.s.holds(ctx, d.from, where, f.Key) {
		return err == nil, err
	}
	note := short("from " + d.from.Spec.Name + "...")
	return d.dropSource(ctx, f, f.Item("move"), lacked, note)
}

// nothingHere is what a move to a remote does about content that is not here:
// what a process that was killed has left to be done.
func (d *Sender) nothingHere(ctx context.Context, f File) (bool, error) {
	if d.drop == nil {
		return false, nil
	}
	if done, err := d.drop.alreadyGone(f, f.Item(d.name)); done || err != nil || !d.moves.Begun(d.way(f.Key)) {
		return done, err
	}
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil || d.to.Remote == nil {
		return false, err
	}
	there, err := d.to.Remote.Present(ctx, f.Key)
	if err != nil {
		return false, ctx.Err() // a later process asks again
	}
	if there && !contains(where, d.target) {
		if err := d.s.SetLocation(ctx, f.Key, d.target, annexlog.StatusPresent); err != nil {
			return false, err
		}
	}
	if contains(where, d.source) {
		if err := d.s.SetLocation(ctx, f.Key, d.source, annexlog.StatusAbsent); err != nil {
			return false, err
		}
	}
	d.drop.full = append(d.drop.full, f.Key)
	d.ends(f.Key)
	return false, nil
}

// admitted are the files that the remote has, as far as they are admitted.
func (s *Session) admitted(ctx context.Context, d *Dropper, files []File) (list []File, err error) {
	if s.Admit == nil {
		return files, nil
	}
	for _, f := range files {
		where, err := s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
		if err != nil {
			return nil, err
		}
		if s.holds(ctx, *d.from, where, f.Key) && s.Admit(f.Key) {
			list = append(list, f)
		}
	}
	s.Admit = nil // each is asked about once
	return list, nil
}

// notMoved ends a move after which the content is in both places.
func notMoved(o Outcome, from string, done ...Note) Outcome {
	o.Notes = append(slices.Clone(done), o.Notes...)
	o.Notes = append(o.Notes, long("(Use --force to override this check, or adjust numcopies.)"), long("Content not dropped from "+from+"."))
	return o
}
