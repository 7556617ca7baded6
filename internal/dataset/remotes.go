package dataset

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/all"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// peer is a configured remote; remote is nil where it cannot be used, and err
// says why.
type peer struct {
	spec   remote.Spec
	remote remote.Remote
	err    error
}

// uuid is the peer's identity as far as it is known.
func (p peer) uuid() string {
	if p.remote != nil {
		return p.remote.UUID()
	}
	return p.spec.UUID
}

// peers opens the configured remotes and the web, cheapest first; those with
// annex-ignore are left out.
func (d *Dataset) peers(ctx context.Context) ([]peer, error) {
	var list []peer
	open := d.remoteOpener()
	for _, s := range remote.WithWeb(remote.List(d.Repo.Config, d.Path())) {
		if s.Ignore {
			continue
		}
		setup, err := open.setup(ctx, s)
		if err != nil {
			return nil, err
		}
		p := peer{spec: s}
		p.remote, p.err = all.Open(ctx, setup)
		d.closeLater(p.remote)
		list = append(list, p)
	}
	return list, nil
}

// IgnoredSpecials opens the special remotes with annex-ignore, which peers leaves
// out.
func (d *Dataset) IgnoredSpecials(ctx context.Context) ([]Peer, error) {
	var list []Peer
	open := d.remoteOpener()
	for _, s := range remote.List(d.Repo.Config, d.Path()) {
		if !s.Ignore || s.Kind != remote.Special {
			continue
		}
		setup, err := open.setup(ctx, s)
		if err != nil {
			return nil, err
		}
		p := Peer{Spec: s}
		p.Remote, p.Err = all.Open(ctx, setup)
		d.closeLater(p.Remote)
		list = append(list, p)
	}
	return list, nil
}

// closeLater ends the connections of a remote with the dataset.
func (d *Dataset) closeLater(r remote.Remote) {
	if c, ok := remote.As[remote.Closer](r); ok {
		d.openMu.Lock()
		d.open = append(d.open, c)
		d.openMu.Unlock()
	}
}

// closeRemotes lets the far ends write down what they have to.
func (d *Dataset) closeRemotes() {
	d.openMu.Lock()
	list := d.open
	d.open = nil
	d.openMu.Unlock()
	for _, c := range list {
		if err := c.Close(); err != nil && d.Env.Log != nil {
			d.Env.Log.Warn("close remote", "remote", c.Name(), "error", err)
		}
	}
}

// ownStore is our own content with its locks.
func (d *Dataset) ownStore() *local.Store {
	return &local.Store{
		Dir:     d.Annex.Dir(),
		Version: d.Repo.Config.Get("annex.version"),
		PidLock: d.Repo.Config.Bool("annex.pidlock", false),
		Guard:   d.Annex.Guard(),
	}
}

// branchLogs reads logs as they will be after git-annex has merged the
// branches that were fetched from remotes.
type branchLogs struct {
	d    *Dataset
	then *annex.Snapshot // when this was made
	tips []gitobj.OID    // fetched branches that are not merged yet
}

func (d *Dataset) branchLogs(ctx context.Context) (*branchLogs, error) {
	l := &branchLogs{d: d}
	var err error
	if l.then, err = d.Annex.Snapshot(ctx); err != nil {
		return nil, err
	}
	merged := d.settledTips()
	own, err := d.Repo.Ref(ctx, annex.BranchRef)
	if err != nil {
		return nil, err
	}
	merged[string(own)] = true
	for _, s := range remote.List(d.Repo.Config, d.Path()) {
		id, err := d.Repo.Ref(ctx, "refs/remotes/"+s.Name+"/git-annex")
		if err != nil {
			return nil, err
		}
		if id != "" && !merged[string(id)] {
			merged[string(id)] = true
			l.tips = append(l.tips, id)
		}
	}
	return l, nil
}

// settledTips are tips that git-annex has merged, or never will.
func (d *Dataset) settledTips() map[string]bool {
	tips := map[string]bool{}
	for _, name := range []string{"mergedrefs", "ignoredrefs"} {
		text, _ := os.ReadFile(d.Annex.Dir(name))
		for _, line := range strings.Split(string(text), "\n") {
			id, _, _ := strings.Cut(line, "\t")
			tips[id] = true
		}
	}
	return tips
}

func (l *branchLogs) read(ctx context.Context, path string) ([]byte, error) {
	return l.merged(ctx, path, l.d.Annex.ReadLog)
}

// merged is a log that read returns together with those of the fetched branches.
func (l *branchLogs) merged(ctx context.Context, path string, read func(context.Context, string) ([]byte, error)) ([]byte, error) {
	data, err := read(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, tip := range l.tips {
		other, _, err := l.d.Repo.BlobAt(ctx, tip, path)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if len(other) > 0 {
			data = annexlog.Union(data, other)
		}
	}
	return data, nil
}

// locations are the repositories that have the key by the logs as they were when
// the command began.
func (l *branchLogs) locations(ctx context.Context, k annexkey.Key) ([]string, error) {
	data, err := l.merged(ctx, annexlog.LocationPath(k), l.then.ReadLog)
	return annexlog.ParsePresence(data).Present(), err
}

// trust tells how far a repository counts.
type trust struct {
	log      annexlog.Log
	override map[string]annexlog.Trust
	trees    map[string]bool // see remote.Trees
}

func (l *branchLogs) trust(ctx context.Context, peers []peer) (trust, error) {
	data, err := l.read(ctx, "trust.log")
	if err != nil {
		return trust{}, err
	}
	remotes, err := l.read(ctx, annexlog.RemoteFile)
	if err != nil {
		return trust{}, err
	}
	t := trust{annexlog.ParseUUIDLog(data), map[string]annexlog.Trust{}, remote.Trees(annexlog.ParseUUIDLog(remotes))}
	levels := map[string]annexlog.Trust{
		"trusted": annexlog.Trusted, "semitrusted": annexlog.Semitrusted,
		"untrusted": annexlog.Untrusted, "dead": annexlog.Dead,
	}
	for _, p := range peers {
		if level, ok := levels[p.spec.Trust]; ok && p.uuid() != "" {
			t.override[p.uuid()] = level
		}
	}
	return t, nil
}

func (t trust) of(uuid string) annexlog.Trust {
	level := t.said(uuid)
	if t.trees[uuid] && level != annexlog.Dead {
		return annexlog.Untrusted
	}
	return level
}

// said is the trust that configuration and logs tell.
func (t trust) said(uuid string) annexlog.Trust {
	if level, ok := t.override[uuid]; ok {
		return level
	}
	e, ok := t.log.Get(uuid)
	if !ok {
		return annexlog.Semitrusted
	}
	level, ok := annexlog.ParseTrust(e.Value)
	if !ok {
		return annexlog.Semitrusted
	}
	return level
}

// locationEdit records whether the key's content is here at the moment in
// which the log is written, whatever happened since the edit was made.
func (d *Dataset) locationEdit(k annexkey.Key, now annexlog.Clock) annex.LogEdit {
	return annex.LogEdit{Path: annexlog.LocationPath(k), UUID: d.Annex.UUID, Change: func(old []byte) []byte {
		status := annexlog.StatusAbsent
		if d.Annex.Has(k) {
			status = annexlog.StatusPresent
		} else if _, known := annexlog.ParsePresence(old).Get(d.Annex.UUID); !known {
			return old
		}
		return annex.SetLocation(k, d.Annex.UUID, status, now).Change(old)
	}}
}
