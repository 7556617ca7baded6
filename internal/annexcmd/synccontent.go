package annexcmd

import (
	"context"
	"errors"
	"slices"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
)

// contentPortion is how many files are brought where they are wanted before
// unwanted copies of them go.
const contentPortion = 256

// ContentSync brings files to the repositories that want them, this one and
// remotes, and drops them where they are not wanted and enough copies stay.
// A repository without preferred content wants everything.
type ContentSync struct {
	s       *Session
	repos   *Repositories
	get     *Getter
	targets []*target
	drop    *Dropper // from here; nil where nothing may be dropped
	waiting []File
	// choosy is false where no repository has preferred content, so that
	// everything is wanted everywhere.
	choosy bool
	moved  bool
}

// target is a remote that takes part.
type target struct {
	peer  dataset.Peer
	send  *Sender // nil: it takes no content
	drop  *Dropper
	taken map[annexkey.Key]bool // waits to be sent
}

// NewContentSync begins to bring content here and to the named remotes (none:
// all that want to be synchronised).
func (s *Session) NewContentSync(ctx context.Context, names []string) (*ContentSync, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	c := &ContentSync{s: s, repos: r}
	if c.get, err = s.NewGetter(ctx, GetOptions{}); err != nil {
		return nil, err
	}
	if c.get.peers, err = s.contentPeers(ctx, r, names); err != nil {
		return nil, err
	}
	for _, p := range c.get.peers {
		t := &target{peer: p, taken: map[annexkey.Key]bool{}}
		if !s.D.Repo.Config.Bool("remote."+p.Spec.Name+".annex-readonly", false) && p.UUID() != WebUUID && p.UUID() != BittorrentUUID {
			if t.send, err = s.NewSender(ctx, p.Spec.Name, false); err != nil {
				return nil, err
			}
		}
		if t.drop, err = s.NewDropper(ctx, p.Spec.Name); err != nil {
			return nil, err
		}
		c.targets = append(c.targets, t)
	}
	if s.D.MayDrop() == nil {
		if c.drop, err = s.NewDropper(ctx, ""); err != nil {
			return nil, err
		}
	}
	c.choosy, err = s.isChoosy(ctx)
	return c, err
}

// contentPeers are the remotes among the named ones (none: all) that hold
// content by its key.
func (s *Session) contentPeers(ctx context.Context, r *Repositories, names []string) ([]dataset.Peer, error) {
	var list []dataset.Peer
	for _, p := range r.Peers {
		named := slices.Contains(names, p.Spec.Name)
		if p.Spec.Ignore || p.UUID() == "" || len(names) > 0 && !named {
			continue
		}
		if !named && !s.D.Repo.Config.Bool("remote."+p.Spec.Name+".annex-sync", true) {
			continue
		}
		trees := false
		for _, field := range []string{"exporttree", "importtree"} {
			v, err := s.RemoteOption(ctx, p.Spec.UUID, field)
			if err != nil {
				return nil, err
			}
			trees = trees || v == "yes" || v == "true"
		}
		if !trees && !(len(names) == 0 && s.vanished(p.Spec)) {
			list = append(list, p)
		}
	}
	return list, nil
}

// isChoosy reports whether anybody has preferred or required content.
func (s *Session) isChoosy(ctx context.Context) (bool, error) {
	for _, log := range []string{annexlog.PreferredContentFile, annexlog.RequiredContentFile} {
		data, err := s.Log(ctx, log)
		if err != nil || len(annexlog.ParseUUIDLog(data).Entries()) > 0 {
			return true, err
		}
	}
	return false, nil
}

// ByName reports whether what is wanted can depend on the names of files.
func (c *ContentSync) ByName() bool { return c.choosy }

// Add takes a file, now or with the next portion.
func (c *ContentSync) Add(ctx context.Context, f File) error {
	if c.waiting = append(c.waiting, f); len(c.waiting) < contentPortion {
		return nil
	}
	return c.Flush(ctx)
}

// Moved reports whether content came here or went to a remote.
func (c *ContentSync) Moved() bool { return c.moved }

// Flush transfers what waits, and drops what is unwanted.
func (c *ContentSync) Flush(ctx context.Context) error {
	files := c.waiting
	c.waiting = nil
	for _, f := range files {
		if err := c.bring(ctx, f); err != nil {
			return errors.Join(err, c.get.Flush(ctx))
		}
	}
	if err := c.get.Flush(ctx); err != nil {
		return err
	}
	for _, t := range c.targets {
		if t.send == nil {
			continue
		}
		for _, f := range files {
			if err := c.offer(ctx, t, f); err != nil {
				return errors.Join(err, t.send.Flush(ctx))
			}
		}
		clear(t.taken)
		if err := t.send.Flush(ctx); err != nil {
			return err
		}
	}
	if !c.choosy {
		return nil
	}
	for _, f := range files {
		if err := c.thin(ctx, f); err != nil {
			return errors.Join(err, c.flushDrops(ctx))
		}
	}
	return c.flushDrops(ctx)
}

func (c *ContentSync) flushDrops(ctx context.Context) error {
	if c.drop == nil {
		return nil
	}
	return c.drop.Flush(ctx)
}

// bring gets what is wanted here, and what a remote has by the logs.
func (c *ContentSync) bring(ctx context.Context, f File) error {
	if !c.s.D.Annex.Has(f.Key) {
		where, err := c.s.Locations(ctx, c.repos, annexlog.LocationPath(f.Key))
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(c.get.peers, func(p dataset.Peer) bool { return contains(where, p.UUID()) }) {
			return nil
		}
		if wants, _, err := c.s.Wants(ctx, f, c.repos.here, false); err != nil || !wants {
			return err
		}
		c.moved = true
	}
	_, err := c.get.Add(ctx, f)
	return err
}

// offer sends a file to a remote that lacks and wants it.
func (c *ContentSync) offer(ctx context.Context, t *target, f File) error {
	if t.taken[f.Key] || !c.s.D.Annex.Has(f.Key) {
		return nil
	}
	where, err := c.s.Locations(ctx, c.repos, annexlog.LocationPath(f.Key))
	if err != nil || contains(where, t.peer.UUID()) {
		return err
	}
	if wants, _, err := c.s.Wants(ctx, f, t.peer.UUID(), false); err != nil || !wants {
		return err
	}
	t.taken[f.Key], c.moved = true, true
	_, err = t.send.Send(ctx, f)
	return err
}

// thin drops a file where it is not wanted, from remotes first. Copies that are
// not verified, or too few, keep it without an error.
func (c *ContentSync) thin(ctx context.Context, f File) error {
	if f.Rel == "" {
		if files, err := c.s.filesOf(ctx, f.Key); err != nil || len(files) > 0 {
			return err // decided by its files
		}
	}
	where, err := c.s.Locations(ctx, c.repos, annexlog.LocationPath(f.Key))
	if err != nil {
		return err
	}
	num, least, err := c.s.neededCopies(ctx, f)
	if err != nil {
		return err
	}
	need, have := max(num, least), c.reachable(where)
	spare := func(uuid string) bool {
		return have > need || have == need && c.repos.Trust(uuid) == annexlog.Untrusted
	}
	fromHere := c.drop != nil && spare("") && c.s.D.Annex.Has(f.Key)
	report := c.s.Report
	defer func() { c.s.Report = report }()
	gone := false
	c.s.Report = func(o Outcome) error {
		gone, o.Harmless = !o.Failed, true
		return report(o)
	}
	dropped := func(d *Dropper, uuid string) error {
		wanted, err := c.stillWanted(ctx, f, uuid)
		if err != nil || wanted {
			return err
		}
		gone = false
		if _, err = d.Drop(ctx, f); gone && c.repos.Trust(uuid) != annexlog.Untrusted {
			have--
		}
		return err
	}
	for _, t := range c.targets {
		if u := t.peer.UUID(); contains(where, u) && u != c.repos.here && spare(u) {
			if err := dropped(t.drop, u); err != nil {
				return err
			}
		}
	}
	if !fromHere {
		return nil
	}
	return dropped(c.drop, c.repos.here)
}

// reachable counts the copies in repositories that can be asked, or that are
// taken at their word.
func (c *ContentSync) reachable(where []string) int {
	n := 0
	for _, u := range where {
		known := u == c.repos.here || slices.ContainsFunc(c.repos.Peers, func(p dataset.Peer) bool { return p.UUID() == u })
		if trust := c.repos.Trust(u); trust == annexlog.Trusted || known && trust != annexlog.Untrusted {
			n++
		}
	}
	return n
}

// stillWanted reports whether a repository would get the content again, for the
// file or another one that has it, if it were gone from there.
func (c *ContentSync) stillWanted(ctx context.Context, f File, uuid string) (bool, error) {
	_, configured, err := c.s.Wants(ctx, f, uuid, false)
	if err != nil || !configured {
		return true, err
	}
	_, keep, err := c.s.keeps(ctx, f, uuid, false)
	return keep, err
}
