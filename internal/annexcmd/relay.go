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
	s        *Session
	repos    *Repositories
	from, to dataset.Peer
	name     string
	drop     *Dropper                // from the source; nil: it keeps its copy
	begun    func(annex.Moving) bool // by an earlier process
	over     []annex.Moving          // begun, and ended when that could not be noted
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

// relayPortion is how many files wait for each other's reports.
const relayPortion = 64

// NewRelay begins to bring content from one remote to another; with move the
// first one loses it.
func (s *Session) NewRelay(ctx context.Context, from, to string, move bool) (*Relay, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	d := &Relay{s: s, repos: r, name: "copy", Portion: relayPortion}
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
	if d.begun, err = s.D.Annex.MovesBegun(); err != nil || !move {
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
		d.gone(w)
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
	w.stays = w.logged || has && !d.begun(d.passing(w))
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

// gone takes note of moves whose source has nothing any more.
func (d *Relay) gone(w *relayed) {
	for _, m := range []annex.Moving{d.passing(w), d.whole(w)} {
		if d.begun(m) && !d.s.D.Annex.Has(w.Key) {
			d.over = append(d.over, m)
		}
	}
}

// passing is the way of content from the source into our annex.
func (d *Relay) passing(w *relayed) annex.Moving {
	return annex.Moving{From: d.from.UUID(), To: d.repos.here, Key: w.Key}
}

// whole is its way from the source to the destination.
func (d *Relay) whole(w *relayed) annex.Moving {
	return annex.Moving{From: d.from.UUID(), To: d.to.UUID(), Key: w.Key}
}

// Flush carries what waits, records it, and reports.
func (d *Relay) Flush(ctx context.Context) error {
	list, ended := d.waiting, d.over
	d.waiting, d.over = nil, nil
	if len(list) == 0 {
		return d.s.D.Annex.EndMoves(ctx, ended)
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
			ended = append(ended, w.moves...)
		}
	}
	// A process that is killed before this finds the moves begun, and ends them.
	if d.drop != nil {
		if err := d.s.publish(wctx); err != nil {
			return errors.Join(failure, err)
		}
	}
	return errors.Join(failure, d.s.D.Annex.EndMoves(wctx, ended))
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
	return true, d.dropSource(ctx, w)
}
