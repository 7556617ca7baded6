package annexcmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// dropFrom deletes a remote's copy, also one that no log knows of.
func (d *Dropper) dropFrom(ctx context.Context, f File) (bool, error) {
	if _, keeps := d.from.Remote.(remote.Keeper); !keeps {
		where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
		if err != nil || !contains(where, d.from.UUID()) {
			return false, err // there is nothing that cannot be deleted
		}
	}
	if keep, err := d.shallKeep(ctx, f, d.from.UUID()); err != nil || keep {
		return false, err
	}
	if !d.s.admits(f.Key) {
		return false, nil
	}
	item := f.Item(d.name)
	if ok, o, err := d.allowed(ctx, f, d.from.UUID(), item); err != nil || !ok {
		return true, errors.Join(err, d.s.reportUnless(err, o))
	}
	var notes []Note
	if d.name == "dropunused" {
		notes = append(notes, short("from "+d.from.Spec.Name+"..."))
	}
	proof, err := d.proof(ctx, f, d.from.UUID())
	if err != nil {
		return true, err
	}
	_, err = d.remove(ctx, f, item, d.witness(), proof, notes...)
	return true, err
}

// witness is our repository, if a copy of ours counts.
func (d *Dropper) witness() string {
	if d.repos.Trust(d.repos.here) == annexlog.Untrusted {
		return ""
	}
	return d.repos.here
}

// fate is what became of a copy that was to go.
type fate int

const (
	dropFailed fate = iota
	dropUnsafe      // too few others were proven
	dropDone
)

// remove deletes the copy if the proof succeeds, and reports that. own is as for
// transfer.DropFrom.
func (d *Dropper) remove(ctx context.Context, f File, item Item, own string, proof transfer.Proof, notes ...Note) (fate, error) {
	err := d.delete(ctx, f.Key, own, proof)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return dropFailed, ctx.Err()
	default:
		became := dropFailed
		if _, unsafe := errors.AsType[*transfer.UnsafeError](err); unsafe {
			became = dropUnsafe
		}
		return became, d.refused(ctx, f, item, err, notes...)
	}
	if err := d.logGone(ctx, f); err != nil {
		return dropDone, err
	}
	return dropDone, d.s.Report(item.ok(notes...))
}

// delete is the deletion alone.
func (d *Dropper) delete(ctx context.Context, k annexkey.Key, own string, proof transfer.Proof) error {
	if d.from != nil {
		keeper, ok := d.from.Remote.(remote.Keeper)
		if !ok {
			return d.cannot("delete from")
		}
		return transfer.DropFrom(ctx, d.s.ownStore(), own, keeper, k, proof)
	}
	err := transfer.Drop(ctx, d.s.ownStore(), k, proof)
	if errors.Is(err, remote.ErrAbsent) {
		err = transfer.Prove(ctx, k, proof) // unlocked files may have it
	}
	if err == nil {
		d.goes(k)
	}
	return err
}

// logGone records that the copy is gone; of a remote, unless the log says so
// already.
func (d *Dropper) logGone(ctx context.Context, f File) error {
	if d.from == nil {
		return d.s.SetLocation(ctx, f.Key, d.repos.here, d.left())
	}
	data, err := d.s.Log(ctx, annexlog.LocationPath(f.Key))
	if err != nil {
		return err
	}
	line, known := annexlog.ParsePresence(data).Get(d.from.UUID())
	if known && line.Status == d.left() || !known && d.left() == annexlog.StatusAbsent {
		return nil
	}
	return d.s.SetLocation(ctx, f.Key, d.from.UUID(), d.left())
}

// place is where the copies go, for people.
func (d *Dropper) place() string {
	if d.from == nil {
		return "here"
	}
	return d.from.Spec.Name
}

func (d *Dropper) cannot(what string) error {
	if d.from.Remote == nil {
		return d.from.Err
	}
	return errs.WithHint(fmt.Errorf("cannot %s the remote %s yet", what, d.from.Spec.Name), "use git-annex for it")
}
