package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
)

// Relay copies or moves content from one remote to another. Content that is not
// here passes through our annex, which no log is told; what a relay that was
// killed has left there goes on with the next one.
type Relay struct {
	*mover
	from, to dataset.Peer
	name     string
	waiting  []*relayed
	// Portion is how many files are carried, some of them at once, before they
	// are reported; 1 for long-lived commands.
	Portion int
}

// relayed is a file that waits to be carried.
type relayed struct {
	File
	item   Item
	logged bool // our annex has it, and the log says so
	stays  bool // our annex has it, and not for a relay
	had    bool // the destination has it already
	keep   bool // it is required content of ours: our annex keeps it
	there  bool // at the destination, by the log
	notes  []Note
	moves  []annex.Moving // recorded until this is done
	err    error
	done   bool // err tells what became of it
}

// NewRelay begins to bring content from one remote to another; with move the
// first one loses it.
func (s *Session) NewRelay(ctx context.Context, from, to string, move bool) (*Relay, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	d := &Relay{name: "copy", Portion: movePortion}
	if d.from, err = r.Peer(from); err != nil {
		return nil, err
	}
	if d.to, err = r.Peer(to); err != nil {
		return nil, err
	}
	for _, p := range []dataset.Peer{d.from, d.to} {
		if p.UUID() == r.here {
			return nil, fmt.Errorf("the remote %s is this repository", p.Spec.Name)
		}
	}
	d.mover, err = s.newMover(ctx, d.from.UUID(), d.to.UUID(), d.to.Remote)
	if err != nil || !move {
		return d, err
	}
	d.name = "move"
	d.drop, err = s.NewDropper(ctx, from)
	return d, err
}

// Add carries a file's content, now or with the next portion. It is false where
// there is nothing to be done.
func (d *Relay) Add(ctx context.Context, f File) (bool, error) {
	if d.from.UUID() == d.to.UUID() {
		return false, nil
	}
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return false, err
	}
	w := &relayed{File: f, item: f.Item(d.name), there: contains(where, d.to.UUID())}
	if !d.s.holds(ctx, d.from, where, f.Key) {
		d.nothingLeft(w)
		return false, nil
	}
	if ok, err := d.s.autoSends(ctx, f, d.to.UUID(), len(where)); err != nil || !ok {
		return false, err
	}
	if !d.s.admits(f.Key) {
		return false, nil
	}
	has := d.s.D.Annex.Has(f.Key)
	w.logged = has && contains(where, d.repos.here)
	w.stays = w.logged || has && !d.moves.Begun(d.passing(w))
	for _, p := range []dataset.Peer{d.from, d.to} {
		if p.Remote == nil {
			return true, d.s.Report(w.item.error(p.Err))
		}
	}
	if slices.ContainsFunc(d.waiting, func(o *relayed) bool { return o.Key == f.Key }) {
		if err := d.Flush(ctx); err != nil {
			return true, err
		}
	}
	if d.waiting = append(d.waiting, w); len(d.waiting) < d.Portion {
		return true, nil
	}
	return true, d.Flush(ctx)
}

// nothingLeft takes note of moves whose source has nothing any more.
func (d *Relay) nothingLeft(w *relayed) {
	if d.s.D.Annex.Has(w.Key) {
		return
	}
	d.ends(w.Key)
	if m := d.passing(w); d.moves.Begun(m) {
		d.over = append(d.over, m)
	}
}

// passing is the way of content from the source into our annex.
func (d *Relay) passing(w *relayed) annex.Moving {
	return annex.Moving{From: d.from.UUID(), To: d.repos.here, Key: w.Key}
}

// Flush carries what waits, records it, and reports.
func (d *Relay) Flush(ctx context.Context) error {
	list := d.waiting
	d.waiting = nil
	if len(list) == 0 {
		return d.finish(ctx)
	}
	if err := d.look(ctx, list); err != nil {
		return err
	}
	failure := d.carry(ctx, list)
	wctx := context.WithoutCancel(ctx)
	if err := d.record(wctx, list); err != nil {
		return errors.Join(failure, err)
	}
	for _, w := range list {
		if !w.done || failure != nil && d.drop != nil {
			continue
		}
		settled, err := d.deliver(wctx, w)
		if err != nil {
			return errors.Join(failure, err)
		}
		if settled {
			d.over = append(d.over, w.moves...)
		}
	}
	return errors.Join(failure, d.finish(wctx))
}

// record logs what has arrived. Before the source loses anything, every reader
// can see where else it is.
func (d *Relay) record(ctx context.Context, list []*relayed) error {
	for _, w := range list {
		if !w.done || w.err != nil {
			continue
		}
		if !w.had || !w.there {
			if err := d.s.SetLocation(ctx, w.Key, d.to.UUID(), annexlog.StatusPresent); err != nil {
				return err
			}
		}
		if err := d.recordOurs(ctx, w); err != nil {
			return err
		}
	}
	if d.drop == nil {
		return nil
	}
	return d.s.publish(ctx)
}

// recordOurs corrects what the log says of our annex.
func (d *Relay) recordOurs(ctx context.Context, w *relayed) error {
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(w.Key))
	if err != nil || w.stays {
		return err
	}
	has := d.s.D.Annex.Has(w.Key)
	if contains(where, d.repos.here) == has {
		return nil
	}
	status := annexlog.StatusAbsent
	if has {
		status = annexlog.StatusPresent
	}
	return d.s.SetLocation(ctx, w.Key, d.repos.here, status)
}

// deliver ends one file: what was moved leaves the source. settled is false
// where the move can be taken up again.
func (d *Relay) deliver(ctx context.Context, w *relayed) (settled bool, err error) {
	if w.err != nil {
		o := w.item.failed()
		o.Notes, o.Errors = w.notes, errorLines(w.err)
		return false, d.s.Report(o)
	}
	if d.drop == nil {
		return true, d.s.Report(w.item.ok(w.notes...))
	}
	return d.dropSource(ctx, w.File, w.item, !w.logged && d.lacked(w.Key, w.had), w.notes...)
}
