package annexcmd

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// Sender copies or moves content to a remote.
type Sender struct {
	s     *Session
	repos *Repositories
	to    dataset.Peer
	move  bool
	name  string
	drop  *Dropper
}

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
	d := &Sender{s: s, repos: r, to: p, move: move, name: "copy"}
	if move {
		d.name = "move"
		if d.drop, err = s.NewDropper(ctx, ""); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Send stores a file's content at the remote. It is false where there is
// nothing to be done.
func (d *Sender) Send(ctx context.Context, f File) (bool, error) {
	object, here := d.s.D.Annex.Locate(f.Key)
	if !here {
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
	if d.s.Auto {
		wants, configured, err := d.s.Wants(ctx, f, d.to.UUID(), false)
		num, _, cerr := d.s.Copies(ctx, f, true)
		if err = errors.Join(err, cerr); err != nil || !(configured && wants) && len(where) >= num {
			return false, err
		}
	}
	item := f.Item(d.name)
	if d.to.Remote == nil {
		return true, d.s.Report(item.error(d.to.Err))
	}
	present, err := d.present(ctx, f)
	if err != nil {
		return true, d.s.Report(item.error(err))
	}
	return true, d.deliver(ctx, f, item, object, present, logged)
}

// present asks the remote; with --fast a copy the log does not know is none.
func (d *Sender) present(ctx context.Context, f File) (bool, error) {
	if d.s.Fast && !d.move {
		return false, nil
	}
	return d.to.Remote.Present(ctx, f.Key)
}

func (d *Sender) deliver(ctx context.Context, f File, item Item, object string, present, logged bool) error {
	var notes []Note
	if !present {
		keeper, ok := d.to.Remote.(remote.Keeper)
		if !ok {
			return d.s.Report(item.error(errs.WithHint(errors.New("cannot store content in the remote "+d.to.Spec.Name+" yet"), "use git-annex for it")))
		}
		notes = append(notes, short("to "+d.to.Spec.Name+"..."))
		if err := d.store(ctx, keeper, f, item); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o := item.error(err)
			o.Notes = notes
			return d.s.Report(o)
		}
	}
	if !present || !logged {
		if err := d.s.SetLocation(ctx, f.Key, d.to.UUID(), annexlog.StatusPresent); err != nil {
			return err
		}
	}
	if !d.move {
		return d.s.Report(item.ok(notes...))
	}
	return d.dropOurs(ctx, f, item, notes, present)
}

// store hands the content over, locked against being dropped meanwhile.
func (d *Sender) store(ctx context.Context, keeper remote.Keeper, f File, item Item) error {
	lock, err := d.s.D.OwnStore().Share(f.Key)
	if err == nil {
		defer lock.Release()
	} else if !errors.Is(err, remote.ErrNoLock) {
		return err
	}
	return d.s.D.Sender(d.s.progressOf(item, "to")).Send(ctx, f.Key, keeper)
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
		return errors.Join(err, d.s.reportUnless(err, o))
	}
	err = transfer.Drop(ctx, d.s.D.OwnStore(), f.Key, proof)
	if err != nil && !errors.Is(err, remote.ErrAbsent) {
		return d.drop.refused(ctx, f, item, err)
	}
	d.drop.gone = append(d.drop.gone, f.Key)
	if err := d.s.SetLocation(ctx, f.Key, d.repos.here, annexlog.StatusAbsent); err != nil {
		return err
	}
	return d.s.Report(item.ok(notes...))
}

// Flush completes what was moved.
func (d *Sender) Flush(ctx context.Context) error {
	if d.drop == nil {
		return nil
	}
	return d.drop.Flush(ctx)
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
		if !contains(where, d.from.UUID()) {
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
		var notes []Note
		if fetched[f.Key.String()] {
			notes = append(notes, short("from "+d.from.Spec.Name+"..."))
		}
		if err := d.removeFrom(ctx, f, f.Item("move"), spare, notes...); err != nil {
			return err
		}
	}
	return nil
}
