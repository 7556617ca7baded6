package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/all"
	"github.com/stemma-data/stemma/internal/remote/local"
)

// Peer is a configured remote. Remote is nil where it cannot be used, and Err
// says why.
type Peer struct {
	Spec   remote.Spec
	Remote remote.Remote
	Err    error
}

// UUID is the peer's identity as far as it is known.
func (p Peer) UUID() string {
	if p.Remote != nil {
		return p.Remote.UUID()
	}
	return p.Spec.UUID
}

// Peers opens the configured remotes and the web, cheapest first; those with
// annex-ignore are left out.
func (d *Dataset) Peers(ctx context.Context) ([]Peer, error) {
	return d.openRemotes(ctx, remote.WithWeb(remote.List(d.Repo.Config, d.Path())), func(s remote.Spec) bool { return !s.Ignore })
}

// IgnoredSpecials opens the special remotes with annex-ignore, which Peers leaves
// out.
func (d *Dataset) IgnoredSpecials(ctx context.Context) ([]Peer, error) {
	return d.openRemotes(ctx, remote.List(d.Repo.Config, d.Path()), func(s remote.Spec) bool { return s.Ignore && s.Kind == remote.Special })
}

func (d *Dataset) openRemotes(ctx context.Context, specs []remote.Spec, wanted func(remote.Spec) bool) ([]Peer, error) {
	var list []Peer
	open := d.remoteOpener()
	for _, s := range specs {
		if !wanted(s) {
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

// OwnStore is our own content with its locks.
func (d *Dataset) OwnStore() *local.Store {
	return &local.Store{
		Dir:     d.Annex.Dir(),
		Version: d.Repo.Config.Get("annex.version"),
		PidLock: d.Repo.Config.Bool("annex.pidlock", false),
		Guard:   d.Annex.Guard(),
		Freezer: d.Annex.Freezer(),
	}
}

// MayDrop refuses annexes in which this program cannot delete safely.
func (d *Dataset) MayDrop() error {
	if d.Annex == nil {
		return nil
	}
	if fi, err := os.Lstat(d.Annex.Dir()); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return errors.New("drop: the annex is a link to another repository's; dropping from it is unsupported to prevent data loss")
	}
	return nil
}
