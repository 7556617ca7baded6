package annexcmd

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/transfer"
)

// Sender copies or moves content to a remote.
type Sender struct {
	s       *Session
	repos   *Repositories
	to      dataset.Peer
	move    bool
	name    string
	drop    *Dropper
	waiting []*sending
	// Portion is how many files are sent, some of them at once, before they are
	// reported; 1 for long-lived commands and moves.
	Portion int
}

// sending is a file that waits to be sent.
type sending struct {
	File
	item    Item
	logged  bool // at the remote, by the log
	present bool // there, it says
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
	d := &Sender{s: s, repos: r, to: p, move: move, name: "copy", Portion: sendPortion}
	if move {
		d.name, d.Portion = "move", 1
		if d.drop, err = s.NewDropper(ctx, ""); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Send stores a file's content at the remote, now or with the next portion. It
// is false where there is nothing to be done.
func (d *Sender) Send(ctx context.Context, f File) (bool, error) {
	if !d.s.D.Annex.Has(f.Key) {
		if d.move {
			return d.drop.alreadyGone(f, f.Item(d.name))
		}
		return false, nil
	}
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return false, err
	}
	logged := contains(where, d.to.UUID())
	if logged && d.s.Fast && !d.move {
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
	group, gctx := errgroup.WithContext(ctx)
	const few = 4
	limit := max(d.s.Jobs, few)
	if d.s.Jobs <= 0 {
		limit = remote.AtOnce(d.to.Remote, few)
	}
	group.SetLimit(limit)
	own := d.s.ownStore()
	for _, w := range list {
		group.Go(func() error {
			if w.present, w.asked = d.present(gctx, w); w.asked == nil && !w.present {
				w.sent = d.store(gctx, own, w)
			}
			w.done = w.asked == nil && w.sent == nil || gctx.Err() == nil
			return gctx.Err()
		})
	}
	err := group.Wait()
	if err == nil {
		err = ctx.Err()
	}
	wctx := context.WithoutCancel(ctx)
	for _, w := range list {
		if !w.done || d.move && err != nil {
			continue
		}
		if rerr := d.deliver(wctx, w); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	return err
}

// present asks the remote, unless it looks itself before it sends; with --fast a
// copy the log does not know is none. A move must know who had the content.
func (d *Sender) present(ctx context.Context, w *sending) (bool, error) {
	if !d.move {
		_, places := remote.As[remote.Placer](d.to.Remote)
		_, looks := remote.As[remote.Looker](d.to.Remote)
		if d.s.Fast || places || looks && !w.logged {
			return false, nil
		}
	}
	return d.to.Remote.Present(ctx, w.Key)
}

func (d *Sender) deliver(ctx context.Context, w *sending) error {
	if w.asked != nil {
		return d.s.Report(w.item.error(w.asked))
	}
	var notes []Note
	if !w.present {
		notes = append(notes, short("to "+d.to.Spec.Name+"..."))
		if w.sent != nil {
			o := w.item.error(w.sent)
			o.Notes = notes
			return d.s.Report(o)
		}
	}
	if !w.present || !w.logged {
		if err := d.s.SetLocation(ctx, w.Key, d.to.UUID(), annexlog.StatusPresent); err != nil {
			return err
		}
	}
	if !d.move {
		return d.s.Report(w.item.ok(notes...))
	}
	return d.dropOurs(ctx, w.File, w.item, notes, w.present)
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

// dropOurs ends a move: where the remote has just got its copy, the number of
// copies stays as it was; otherwise ours may only go if enough others are left.
func (d *Sender) dropOurs(ctx context.Context, f File, item Item, notes []Note, present bool) error {
	proof, err := d.drop.proof(ctx, f, d.repos.here)
	if err != nil {
		return err
	}
	if !present && proof.Need > 0 {
		proof = transfer.Proof{Need: 1, Ask: []remote.Remote{d.to.Remote}}
	}
	if ok, o, err := d.drop.allowed(ctx, f, d.repos.here, item); err != nil || !ok {
		return errors.Join(err, d.s.reportUnless(err, notMoved(o, "here", notes...)))
	}
	err = transfer.Drop(ctx, d.s.ownStore(), f.Key, proof)
	if err != nil && !errors.Is(err, remote.ErrAbsent) {
		return d.drop.refused(ctx, f, item, err, notes...)
	}
	d.drop.goes(f.Key)
	if err := d.s.SetLocation(ctx, f.Key, d.repos.here, annexlog.StatusAbsent); err != nil {
		return err
	}
	return d.s.Report(item.ok(notes...))
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

// Flush sends what waits, and completes what was moved.
func (d *Sender) Flush(ctx context.Context) error {
	err := d.transfer(ctx)
	if d.drop == nil {
		return err
	}
	return errors.Join(err, d.drop.Flush(ctx))
}
