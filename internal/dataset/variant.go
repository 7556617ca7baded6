package dataset

import (
	"context"
	"sync"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/all"
)

// OpenVariant opens a special remote once more with another configuration,
// which is stored nowhere. What it writes to logs is forgotten with it.
func (d *Dataset) OpenVariant(ctx context.Context, s remote.Spec, config map[string]string) (remote.Remote, error) {
	setup := d.RemoteSetup(s, config)
	setup.Logs = &scratchLogs{Logs: setup.Logs, own: map[string][]byte{}}
	r, err := all.Open(ctx, setup)
	if err == nil {
		d.closeLater(r)
	}
	return r, err
}

// RemoteConfig is what the git-annex branch has about a special remote.
func (d *Dataset) RemoteConfig(ctx context.Context, s remote.Spec) (map[string]string, error) {
	setup, err := d.remoteOpener().setup(ctx, s)
	return setup.Config, err
}

// scratchLogs keeps changes to itself.
type scratchLogs struct {
	remote.Logs
	mu  sync.Mutex
	own map[string][]byte
}

// Read implements remote.Logs.
func (l *scratchLogs) Read(ctx context.Context, path string) ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read(ctx, path)
}

func (l *scratchLogs) read(ctx context.Context, path string) ([]byte, error) {
	if data, ok := l.own[path]; ok {
		return data, nil
	}
	return l.Logs.Read(ctx, path)
}

// Change implements remote.Logs.
func (l *scratchLogs) Change(ctx context.Context, path string, change func(old []byte) []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	old, err := l.read(ctx, path)
	if err == nil {
		l.own[path] = change(old)
	}
	return err
}
