package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// refused explains why content has to stay where it is, after the notes about
// what was done before.
func (d *Dropper) refused(ctx context.Context, f File, item Item, cause error, notes ...Note) error {
	unsafe, ok := errors.AsType[*transfer.UnsafeError](cause)
	if !ok {
		if errors.Is(cause, remote.ErrBusy) {
			cause = errors.New("content is locked")
		}
		o := item.error(cause)
		o.Notes = notes
		return d.s.Report(o)
	}
	o := item.failed(append(slices.Clone(notes), d.shortage(unsafe)...)...)
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return err
	}
	var broken, wanted, skipped []string
	for _, u := range where {
		if u == d.repos.here || d.from != nil && u == d.from.UUID() || contains(unsafe.Counted, u) {
			continue
		}
		if d.repos.Trust(u) == annexlog.Untrusted {
			skipped = append(skipped, u)
			continue
		}
		wanted = append(wanted, u)
		for _, p := range d.repos.Peers {
			if p.UUID() == u && (p.Remote == nil || slices.Contains(unsafe.Away, p.Spec.Name)) {
				broken = append(broken, p.Spec.Name)
			}
		}
	}
	if len(broken) > 0 {
		o.Notes = append(o.Notes, long("Unable to access these remotes: "+strings.Join(broken, ", ")))
	}
	none := ""
	if strings.HasPrefix(item.Command, "drop") {
		none = "Rather than dropping this file, try using: git annex move"
	}
	o = d.repos.askElsewhere(o, wanted, skipped, none)
	o.Notes = append(o.Notes, long("(Use --force to override this check, or adjust numcopies.)"))
	if item.Command == "move" {
		o.Notes = append(o.Notes, long("Content not dropped from "+d.place()+"."))
	}
	return d.s.Report(o)
}

// shortage says how many copies are too few.
func (d *Dropper) shortage(e *transfer.UnsafeError) []Note {
	noun := map[bool]string{true: "copy", false: "copies"}[e.Need == 1]
	if !e.Lock {
		return []Note{short("unsafe"), long(fmt.Sprintf("Could only verify the existence of %d out of %d necessary %s", e.Have, e.Need, noun))}
	}
	list := []Note{short("unsafe"), long(fmt.Sprintf("Unable to lock down %d %s of file necessary to safely drop it.", e.Need, noun))}
	if len(e.Unlockable) == 0 {
		return append(list, long("(This could have happened because of a concurrent drop, or because a remote has too old a version of git-annex-shell installed.)"))
	}
	return append(list, long("These remotes do not support locking: "+strings.Join(e.Unlockable, ", ")))
}
