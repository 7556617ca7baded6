package annexcmd

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// Sender copies or moves content to a remote.
type Sender struct {
	*mover
	to      dataset.Peer
	name    string
	waiting []*sending
	// Portion is how many files are sent, some of them at once, before they are
	// reported; 1 for long-lived commands.
	Portion int
}

// sending is a file that waits to be sent.
type sending struct {
	File
	item    Item
	logged  bool // at the remote, by the log
	present bool // there, it says
	lacked  bool // not there, before the move
	unsure  bool // it may be there although it could not be sent
	asked   error
	sent    error
	done    bool // asked, and sent if need be; what was cut off is not
}

// sendPortion is how many files wait for each other's reports.
const sendPortion = 256

// NewSender begins to send content to a remote; with move ours is dropped
// afterwards.
func (s *Session) NewSender(ctx context.Context, to string, move bool) (*Sender, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	p, err := r.Peer(to)
	if err != nil {
		return nil, err
	}
	d := &Sender{to: p, name: "copy", Portion: sendPortion}
	if d.mover, err = s.newMover(ctx, r.here, p.UUID(), p.Remote); err != nil || !move {
		return d, err
	}
	d.name, d.Portion = "move", movePortion
	d.drop, err = s.NewDropper(ctx, "")
	return d, err
}

// Send stores a file's content at the remote, now or with the next portion. It
// is false where there is nothing to be done.
func (d *Sender) Send(ctx context.Context, f File) (bool, error) {
	if !d.s.D.Annex.Has(f.Key) {
		return d.nothingHere(ctx, f)
	}
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return false, err
	}
	logged := contains(where, d.to.UUID())
	if logged && d.s.Fast && d.drop == nil {
		return false, nil
	}
	if ok, err := d.s.autoSends(ctx, f, d.to.UUID(), len(where)); err != nil || !ok {
		return false, err
	}
	if !d.s.admits(f.Key) {
		return false, nil
	}
	item := f.Item(d.name)
	if d.to.Remote == nil {
		return true, d.s.Report(item.error(d.to.Err))
	}
	if slices.ContainsFunc(d.waiting, func(w *sending) bool { return w.Key == f.Key }) {
		if err := d.transfer(ctx); err != nil {
			return true, err
		}
	}
	if d.waiting = append(d.waiting, &sending{File: f, item: item, logged: logged}); len(d.waiting) < d.Portion {
		return true, nil
	}
	return true, d.transfer(ctx)
}

// transfer sends what waits, some at once, and then reports it in order.
func (d *Sender) transfer(ctx context.Context) error {
	list := d.waiting
	d.waiting = nil
	ways, err := d.begin(ctx, list)
	if err != nil {
		return err
	}
	own := d.s.ownStore()
	err = d.atOnce(ctx, list, func(ctx context.Context, w *sending) error {
		if d.drop == nil {
			w.present, w.asked = d.present(ctx, w)
		}
		if w.asked == nil && !w.present {
			w.sent = d.store(ctx, own, w)
			w.unsure = w.sent != nil && d.mayHave(ctx, w)
		}
		w.done = w.asked == nil && w.sent == nil || ctx.Err() == nil
		return ctx.Err()
	})
	if err == nil {
		err = ctx.Err()
	}
	wctx := context.WithoutCancel(ctx)
	if rerr := errors.Join(d.again(wctx, d.to.Remote, ways), d.record(wctx, list)); rerr != nil {
		return errors.Join(err, rerr)
	}
	for _, w := range list {
		if !w.done || d.drop != nil && err != nil {
			continue
		}
		if rerr := d.deliver(wctx, w); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	if d.Portion > 1 && len(d.over) < manyOver {
		return err
	}
	return errors.Join(err, d.finish(wctx))
}

// atOnce runs fn for some files at a time.
func (d *Sender) atOnce(ctx context.Context, list []*sending, fn func(context.Context, *sending) error) error {
	const few = 4
	limit := max(d.s.Jobs, few)
	if d.s.Jobs <= 0 {
		limit = remote.AtOnce(d.to.Remote, few)
	}
	return atOnce(ctx, limit, list, fn)
}

// atOnce runs fn for up to limit files at a time, until one fails.
func atOnce[T any](ctx context.Context, limit int, list []T, fn func(context.Context, T) error) error {
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for _, w := range list {
		group.Go(func() error { return fn(gctx, w) })
	}
	return group.Wait()
}

// begin asks the remote of a move about all that waits, and notes down what is
// about to move. A move must know who had the content.
func (d *Sender) begin(ctx context.Context, list []*sending) (ways []annex.Moving, err error) {
	if d.drop == nil {
		return nil, nil
	}
	err = d.atOnce(ctx, list, func(ctx context.Context, w *sending) error {
		w.present, w.asked = d.to.Remote.Present(ctx, w.Key)
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	for _, w := range list {
		w.lacked = d.lacked(w.Key, w.present)
		if w.asked == nil && !w.present {
			ways = append(ways, d.way(w.Key))
		}
	}
	return ways, d.moves.Begin(ctx, ways)
}

// present asks the remote, unless it looks itself before it sends; with --fast a
// copy the log does not know is none.
func (d *Sender) present(ctx context.Context, w *sending) (bool, error) {
	_, places := remote.As[remote.Placer](d.to.Remote)
	_, looks := remote.As[remote.Looker](d.to.Remote)
	if d.s.Fast || places || looks && !w.logged {
		return false, nil
	}
	return d.to.Remote.Present(ctx, w.Key)
}

// mayHave is the question after a failure: the remote's last word may be what has
// been lost.
func (d *Sender) mayHave(ctx context.Context, w *sending) bool {
	if d.drop == nil {
		return false
	}
	has, err := d.to.Remote.Present(ctx, w.Key)
	return has || err != nil
}

// record logs what the remote has now. Before ours goes, every reader can see
// where else it is.
func (d *Sender) record(ctx context.Context, list []*sending) error {
	for _, w := range list {
		if !w.done || w.asked != nil || w.sent != nil || w.present && w.logged {
			continue
		}
		if err := d.s.SetLocation(ctx, w.Key, d.to.UUID(), annexlog.StatusPresent); err != nil {
			return err
		}
	}
	if d.drop == nil {
		return nil
	}
	return d.s.publish(ctx)
}

// deliver ends one file.
func (d *Sender) deliver(ctx context.Context, w *sending) error {
	if w.asked != nil {
		return d.s.Report(w.item.error(w.asked))
	}
	var notes []Note
	if !w.present {
		notes = append(notes, short("to "+d.to.Spec.Name+"..."))
	}
	settled, err := !w.unsure, error(nil)
	switch {
	case w.sent != nil:
		o := w.item.error(w.sent)
		o.Notes = notes
		err = d.s.Report(o)
	case d.drop == nil:
		err = d.s.Report(w.item.ok(notes...))
	default:
		settled, err = d.dropSource(ctx, w.File, w.item, w.lacked, notes...)
	}
	if settled {
		d.ends(w.Key)
	}
	return err
}

// store hands the content over, locked against being dropped meanwhile.
func (d *Sender) store(ctx context.Context, own *local.Store, w *sending) error {
	keeper, ok := d.to.Remote.(remote.Keeper)
	if !ok {
		return errs.WithHint(errors.New("cannot store content in the remote "+d.to.Spec.Name+" yet"), "use git-annex for it")
	}
	lock, err := own.Share(w.Key)
	if err == nil {
		defer lock.Release()
	} else if !errors.Is(err, remote.ErrNoLock) {
		return err
	}
	return d.s.D.Sender(d.s.progressOf(w.item, "to")).Send(ctx, w.Key, keeper)
}

// Flush sends what waits, and completes what was moved.
func (d *Sender) Flush(ctx context.Context) error {
	err := errors.Join(d.transfer(ctx), d.finish(context.WithoutCancel(ctx)))
	if d.drop == nil {
		return err
	}
	return errors.Join(err, d.drop.Flush(ctx))
}
