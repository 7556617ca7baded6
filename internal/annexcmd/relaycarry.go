package annexcmd

import (
	"context"
	"errors"
	"slices"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/local"
	"github.com/stemma-data/stemma/internal/transfer"
)

// look asks the destination about all that waits, and notes down what is about
// to move.
func (d *Relay) look(ctx context.Context, list []*relayed) error {
	err := d.atOnce(ctx, list, func(ctx context.Context, w *relayed) error {
		had, err := d.to.Remote.Present(ctx, w.Key)
		if ctx.Err() == nil {
			w.had, w.err, w.done = had, err, err != nil
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	var moves []annex.Moving
	for _, w := range list {
		if w.err != nil {
			continue
		}
		if _, w.keep, err = d.s.keeps(ctx, w.File, d.repos.here, true); err != nil {
			return err
		}
		if m := d.passing(w); !w.stays && (!w.had || d.moves.Begun(m)) {
			w.moves = append(w.moves, m)
		}
		if m := d.way(w.Key); d.drop != nil && !w.had || d.moves.Begun(m) {
			w.moves = append(w.moves, m)
		}
		if !w.had {
			moves = append(moves, w.moves...)
		}
	}
	return d.moves.Begin(ctx, moves)
}

// carry brings to the destination what it lacks.
func (d *Relay) carry(ctx context.Context, list []*relayed) error {
	own := d.s.ownStore()
	list = slices.DeleteFunc(slices.Clone(list), func(w *relayed) bool { return w.done })
	err := d.atOnce(ctx, list, func(ctx context.Context, w *relayed) error {
		err := d.carryOne(ctx, own, w)
		if w.done = err == nil || ctx.Err() == nil; w.done {
			w.err = err
		}
		return ctx.Err()
	})
	if err == nil {
		err = ctx.Err()
	}
	return err
}

// atOnce runs fn for some files at a time.
func (d *Relay) atOnce(ctx context.Context, list []*relayed, fn func(context.Context, *relayed) error) error {
	const few = 4
	limit := max(d.s.Jobs, few)
	if d.s.Jobs <= 0 {
		limit = min(remote.AtOnce(d.from.Remote, few), remote.AtOnce(d.to.Remote, few))
	}
	return atOnce(ctx, limit, list, fn)
}

func (d *Relay) carryOne(ctx context.Context, own *local.Store, w *relayed) error {
	from, to := short("from "+d.from.Spec.Name+"..."), short("to "+d.to.Spec.Name+"...")
	if w.had {
		w.notes = []Note{from}
		if !w.logged {
			w.notes = append(w.notes, to)
		}
		return d.clear(own, w)
	}
	keeper, ok := d.to.Remote.(remote.Keeper)
	if !ok {
		return errs.WithHint(errors.New("cannot store content in the remote "+d.to.Spec.Name+" yet"), "use git-annex for it")
	}
	if w.logged || !d.s.D.Annex.Has(w.Key) {
		w.notes = append(w.notes, from)
	}
	if !d.s.D.Annex.Has(w.Key) {
		got, err := d.s.D.Getter(d.s.progressOf(w.item, "from")).Get(ctx, w.Key, []remote.Remote{d.from.Remote})
		if err != nil {
			return err
		}
		w.stays = got == nil // another process has fetched it, for itself
	}
	w.notes = append(w.notes, to)
	return d.pass(ctx, own, w, keeper)
}

// pass sends our content on, and deletes it if it was here for that alone.
func (d *Relay) pass(ctx context.Context, own *local.Store, w *relayed, keeper remote.Keeper) error {
	send := func() error {
		return d.s.D.Sender(d.s.progressOf(w.item, "to")).Send(ctx, w.Key, keeper)
	}
	if _, places := remote.As[remote.Placer](d.to.Remote); places && !w.stays {
		if err := send(); err != nil {
			return err
		}
		return d.clear(own, w)
	}
	lock, err := own.Share, error(nil)
	if !w.stays {
		lock = own.Exclude // from the start: nobody shall count on this copy
	}
	held, err := lock(w.Key)
	if err != nil {
		if !w.stays || !errors.Is(err, remote.ErrNoLock) {
			return err
		}
		return send()
	}
	if err = send(); err != nil || w.stays || w.keep {
		held.Release()
		return err
	}
	return held.Remove()
}

// clear deletes what a relay has left here, now that the destination has it.
func (d *Relay) clear(own *local.Store, w *relayed) error {
	if w.stays || w.keep {
		return nil
	}
	held, err := own.Exclude(w.Key)
	if errors.Is(err, remote.ErrAbsent) {
		return nil
	}
	if err != nil {
		return err
	}
	return held.Remove()
}

// errorLines are the errors of all attempts.
func errorLines(err error) []string {
	unavailable, ok := errors.AsType[*transfer.UnavailableError](err)
	if !ok {
		return []string{err.Error()}
	}
	var lines []string
	for _, a := range unavailable.Failed {
		lines = append(lines, "  "+a.Err.Error())
		if h := errs.Hint(a.Err); h != "" {
			lines = append(lines, "  "+h)
		}
	}
	for _, name := range unavailable.Absent {
		lines = append(lines, "  "+name+": content is not there")
	}
	return lines
}
