package annexcmd

import (
	"context"
	"errors"
	"fmt"

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
	return true, d.removeFrom(ctx, f, item, 0, notes...)
}

// removeFrom proves other copies, ours among them, and removes the remote's.
// spare copies need no proof.
func (d *Dropper) removeFrom(ctx context.Context, f File, item Item, spare int, notes ...Note) error {
	proof, err := d.proof(ctx, f, d.from.UUID())
	if err != nil {
		return err
	}
	proof.Need, proof.Locked = max(proof.Need-spare, 0), max(proof.Locked-spare, 0)
	return d.removeProven(ctx, f, item, d.witness(), proof, notes...)
}

// witness is our repository, if a copy of ours counts.
func (d *Dropper) witness() string {
	if d.repos.Trust(d.repos.here) == annexlog.Untrusted {
		return ""
	}
	return d.repos.here
}

// removeProven removes the remote's copy if the proof succeeds. own is as for
// transfer.DropFrom.
func (d *Dropper) removeProven(ctx context.Context, f File, item Item, own string, proof transfer.Proof, notes ...Note) error {
	keeper, ok := d.from.Remote.(remote.Keeper)
	if !ok {
		return d.s.Report(item.error(d.cannot("delete from")))
	}
	err := transfer.DropFrom(ctx, d.s.ownStore(), own, keeper, f.Key, proof)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return d.refused(ctx, f, item, err, notes...)
	}
	if err := d.logGone(ctx, f); err != nil {
		return err
	}
	return d.s.Report(item.ok(notes...))
}

// logGone records that the remote has no copy, unless the log says so already.
func (d *Dropper) logGone(ctx context.Context, f File) error {
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

func (d *Dropper) cannot(what string) error {
	if d.from.Remote == nil {
		return d.from.Err
	}
	return errs.WithHint(fmt.Errorf("cannot %s the remote %s yet", what, d.from.Spec.Name), "use git-annex for it")
}
