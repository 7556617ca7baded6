package exporttree

import (
	"context"
	"errors"
	"fmt"
	"hash"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// rescue brings content here that is about to go from the remote though the tree
// still has it, under a name at which it is not there yet: nobody else may have
// it. Where it cannot be had, it stays.
func (x *export) rescue(ctx context.Context, p *plan) error {
	if len(p.deletions) == 0 {
		return nil
	}
	wanted := map[annexkey.Key][]file{}
	for _, f := range x.files {
		if f.annexed {
			wanted[f.key] = append(wanted[f.key], f)
		}
	}
	stays := map[annexkey.Key]bool{}
	for _, m := range p.moves {
		stays[m.key] = true
	}
	going := p.deletions[:0:0]
	for _, d := range p.deletions {
		err := x.rescueFrom(ctx, p, d, wanted, stays)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			going = append(going, d)
			continue
		}
		p.failed[d.path] = true
		if err := x.report(x.broken(x.item("unexport", d.path), err)); err != nil {
			return err
		}
	}
	p.deletions = going
	return nil
}

// rescueFrom sees to what is at one path that is about to be deleted.
func (x *export) rescueFrom(ctx context.Context, p *plan, d deletion, wanted map[annexkey.Key][]file, stays map[annexkey.Key]bool) error {
	for _, f := range d.was {
		to := wanted[f.key]
		if !f.annexed || len(to) == 0 || stays[f.key] || x.s.D.Annex.Has(f.key) {
			continue
		}
		other, err := x.hasElsewhere(ctx, p, d.path, to)
		if err != nil {
			return err
		}
		if !other {
			if err := x.save(ctx, d.path, f, to[0].path); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasElsewhere reports whether the remote has the content of the files at one of
// their paths that stays as it is.
func (x *export) hasElsewhere(ctx context.Context, p *plan, but string, files []file) (bool, error) {
	var asked []remote.TreeFile
	for _, f := range files {
		if f.path == but || p.changed[f.path] && !p.moved[f.path] {
			continue
		}
		t, err := x.treeFile(ctx, f.path, f)
		if err != nil {
			return false, err
		}
		asked = append(asked, t)
	}
	if len(asked) == 0 {
		return false, nil
	}
	there, err := x.store.HasFiles(ctx, asked)
	for _, ok := range there {
		if ok {
			return true, err
		}
	}
	return false, err
}

// save brings a file's content into the annex. It is no error that the content is
// not at that path, nor that it cannot be had where others have it, too.
func (x *export) save(ctx context.Context, at string, f file, to string) error {
	t, err := x.treeFile(ctx, at, f)
	if err != nil {
		return err
	}
	sources := []remote.Remote{x.whole}
	if _, ok := f.key.Hasher(); ok {
		sources = append(sources, atPath{x, t})
	}
	item := annexcmd.Item{Command: "get", File: to, Key: f.key, Input: []string{}}
	_, err = x.s.D.Getter(x.s.D.Env.Progress).Get(ctx, f.key, sources)
	if err != nil {
		if ctx.Err() != nil || !x.needed(ctx, f, err) {
			return ctx.Err()
		}
		return fmt.Errorf("its content is nowhere else and needed for %s, but cannot be fetched: %w", to, err)
	}
	keys := []annexkey.Key{f.key}
	if err := errors.Join(x.s.D.Annex.SyncObjects(keys), x.s.SetLocation(ctx, f.key, x.s.D.Annex.UUID, annexlog.StatusPresent)); err != nil {
		return err
	}
	if err := errors.Join(x.s.JournalOnly(ctx), x.s.D.Populate(ctx, keys)); err != nil {
		return err
	}
	return x.s.Report(annexcmd.Outcome{Item: item, Notes: []annexcmd.Note{{Text: "from " + x.name + "..."}}})
}

// needed reports whether content that could not be fetched may be there, and
// nowhere else.
func (x *export) needed(ctx context.Context, f file, err error) bool {
	var not *transfer.UnavailableError
	var damaged *transfer.DamagedError
	if errors.As(err, &not) {
		lost := true
		for _, a := range not.Failed {
			lost = lost && errors.As(a.Err, &damaged)
		}
		if lost {
			return false // something else is there, or nothing
		}
	}
	data, lerr := x.s.Log(ctx, annexlog.LocationPath(f.key))
	r, rerr := x.s.Repositories(ctx)
	if errors.Join(lerr, rerr) != nil {
		return true
	}
	for _, u := range annexlog.ParsePresence(data).Present() {
		if t := r.Trust(u); u != x.uuid && t != annexlog.Dead && t != annexlog.Untrusted {
			return false
		}
	}
	return true
}

// atPath is one file of the remote's tree as a source of its content.
type atPath struct {
	x    *export
	file remote.TreeFile
}

// Name implements remote.Remote.
func (a atPath) Name() string { return a.x.name }

// UUID implements remote.Remote.
func (a atPath) UUID() string { return a.x.uuid }

// Present implements remote.Remote.
func (a atPath) Present(ctx context.Context, _ annexkey.Key) (bool, error) {
	there, err := a.x.store.HasFiles(ctx, []remote.TreeFile{a.file})
	return err == nil && there[0], err
}

// Fetch implements remote.Remote.
func (a atPath) Fetch(ctx context.Context, _ annexkey.Key, dst string, h hash.Hash) error {
	return a.x.store.FetchFile(ctx, a.file, dst, h)
}
