package annexcmd

import (
	"context"
	"errors"
	"strconv"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/transfer"
)

// Dropper deletes content that other repositories are proven to have.
type Dropper struct {
	s     *Session
	repos *Repositories
	from  *dataset.Peer // nil: from here
	name  string
	gone  map[annexkey.Key]bool // dropped from here since the last Flush
	full  []annexkey.Key        // among these, whose unlocked files still have the content
	// Unused content is logged as dead where it goes: nobody shall miss it.
	Unused bool
}

// NewDropper begins to drop content from here, or from a remote.
func (s *Session) NewDropper(ctx context.Context, from string) (*Dropper, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	d := &Dropper{s: s, repos: r, name: "drop"}
	if from == "" || from == "here" || from == "." {
		return d, s.D.MayDrop()
	}
	p, err := r.Peer(from)
	if err != nil {
		return nil, err
	}
	if p.UUID() == WebUUID && p.Remote != nil {
		p.Remote = webNotes{p.Remote, s}
	}
	d.from, d.name = &p, "drop "+p.Spec.Name
	return d, nil
}

// DropUnused deletes content that unused has found, as it numbered it.
func (d *Dropper) DropUnused(ctx context.Context, n Numbered) error {
	d.Unused, d.name = true, "dropunused"
	f := File{Key: n.Key, Show: strconv.Itoa(n.Number), Input: []string{strconv.Itoa(n.Number)}}
	if n.Stale != "" {
		return d.s.dropStale(n, f.Item(d.name))
	}
	done, err := d.Drop(ctx, f)
	if err != nil || done {
		return err
	}
	return d.s.Report(f.Item(d.name).ok())
}

// left is what the log says of a repository whose copy is gone.
func (d *Dropper) left() annexlog.Status {
	if d.Unused {
		return annexlog.StatusDead
	}
	return annexlog.StatusAbsent
}

// Drop deletes the content of a file. It is false where there is none.
func (d *Dropper) Drop(ctx context.Context, f File) (bool, error) {
	if d.from != nil {
		return d.dropFrom(ctx, f)
	}
	if !d.s.D.Annex.Has(f.Key) {
		if done, err := d.alreadyGone(f, f.Item(d.name)); done || err != nil || !d.s.D.KeepsContent(f.Entry, f.Key) {
			return done, err
		}
	}
	if keep, err := d.shallKeep(ctx, f, d.s.D.Annex.UUID); err != nil || keep {
		return false, err
	}
	if !d.s.admits(f.Key) {
		return false, nil
	}
	item := f.Item(d.name)
	if ok, o, err := d.allowed(ctx, f, d.s.D.Annex.UUID, item); err != nil || !ok {
		return true, errors.Join(err, d.s.reportUnless(err, o))
	}
	proof, err := d.proof(ctx, f, d.s.D.Annex.UUID)
	if err != nil {
		return true, err
	}
	_, err = d.remove(ctx, f, item, "", proof)
	return true, err
}

// goes remembers what was dropped from here.
func (d *Dropper) goes(k annexkey.Key) {
	if d.gone == nil {
		d.gone = map[annexkey.Key]bool{}
	}
	d.gone[k] = true
	d.full = append(d.full, k)
}

// alreadyGone reports a file whose content has just been dropped as that of
// another one; it is false for other files.
func (d *Dropper) alreadyGone(f File, item Item) (bool, error) {
	if !d.gone[f.Key] {
		return false, nil
	}
	return true, d.s.Report(item.ok())
}

// Flush turns the unlocked files of what was dropped into pointers.
func (d *Dropper) Flush(ctx context.Context) error {
	d.gone = nil
	return d.empty(ctx)
}

// empty is Flush, but what was dropped is remembered.
func (d *Dropper) empty(ctx context.Context) error {
	full := d.full
	d.full = nil
	if len(full) == 0 {
		return nil
	}
	return d.s.D.Depopulate(context.WithoutCancel(ctx), full)
}

func (s *Session) reportUnless(err error, o Outcome) error {
	if err != nil {
		return nil
	}
	return s.Report(o)
}

// shallKeep is the question of --auto: does the repository that is to lose the
// file want it, or are there too few copies elsewhere?
func (d *Dropper) shallKeep(ctx context.Context, f File, uuid string) (bool, error) {
	if !d.s.Auto {
		return false, nil
	}
	num, _, err := d.s.neededCopies(ctx, f)
	if err != nil {
		return true, err
	}
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return true, err
	}
	elsewhere := 0
	for _, u := range where {
		if u != uuid && d.repos.Trust(u) != annexlog.Untrusted {
			elsewhere++
		}
	}
	if elsewhere < num {
		return true, nil
	}
	_, keep, err := d.s.keeps(ctx, f, uuid, false)
	return keep, err
}

// allowed looks at required content.
func (d *Dropper) allowed(ctx context.Context, f File, uuid string, item Item) (bool, Outcome, error) {
	if d.s.Force {
		return true, Outcome{}, nil
	}
	why, err := d.s.Required(ctx, f, uuid)
	if err != nil || why == "" {
		return err == nil, Outcome{}, err
	}
	return false, item.failed(long(why),
		long("(Use --force to override this check, or adjust required content configuration.)")), nil
}

// proof says what has to be shown before a copy may go.
func (d *Dropper) proof(ctx context.Context, f File, from string) (transfer.Proof, error) {
	if d.s.Force {
		return transfer.Proof{}, nil
	}
	num, least, err := d.s.neededCopies(ctx, f)
	if err != nil {
		return transfer.Proof{}, err
	}
	where, err := d.s.Locations(ctx, d.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return transfer.Proof{}, err
	}
	p := transfer.Proof{Need: max(num, least)}
	if from != d.repos.here {
		p.Locked = least
	}
	for _, u := range where {
		if u != from && u != d.repos.here && d.repos.Trust(u) == annexlog.Trusted {
			p.Trusted = append(p.Trusted, u)
		}
	}
	for _, peer := range d.repos.Peers {
		u := peer.UUID()
		if peer.Remote == nil || u == from || u == d.repos.here || !contains(where, u) || d.repos.Trust(u) != annexlog.Semitrusted {
			continue
		}
		p.Ask = append(p.Ask, peer.Remote)
	}
	return p, nil
}

// neededCopies is the largest number that any file with the key asks for.
func (s *Session) neededCopies(ctx context.Context, f File) (num, least int, err error) {
	num, least, err = s.Copies(ctx, f, true)
	if err != nil || s.NumCopies > 0 {
		return num, least, err
	}
	if s.sharing == nil {
		if s.sharing, err = s.D.FilesWithCopies(); err != nil {
			return 0, 0, err
		}
	}
	for _, rel := range s.sharing(f.Key)[f.Key] {
		n, l, err := s.Copies(ctx, File{Rel: rel, Key: f.Key}, true)
		if err != nil {
			return 0, 0, err
		}
		num, least = max(num, n), max(least, l)
	}
	return num, least, nil
}
