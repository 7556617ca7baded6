package dataset

import (
	"context"
	"sync"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
)

// remoteOpener gathers what remotes are opened from; the git-annex branch is
// read only if one of them needs it.
type remoteOpener struct {
	d       *Dataset
	logs    *remoteLogs
	configs annexlog.Log // remote.log
	read    bool
}

func (d *Dataset) remoteOpener() *remoteOpener {
	return &remoteOpener{d: d, logs: &remoteLogs{d: d}}
}

// setup is everything that the remote may use.
func (o *remoteOpener) setup(ctx context.Context, s remote.Spec) (remote.Setup, error) {
	setup := o.d.remoteSetup(s, o.logs)
	if s.Kind != remote.Special || s.UUID == remote.WebUUID {
		return setup, nil
	}
	if !o.read {
		data, err := o.logs.Read(ctx, annexlog.RemoteFile)
		if err != nil {
			return setup, err
		}
		o.configs, o.read = annexlog.ParseUUIDLog(data), true
	}
	setup.Config = remote.ConfigOf(o.configs, setup)
	return setup, nil
}

func (d *Dataset) remoteSetup(s remote.Spec, logs *remoteLogs) remote.Setup {
	return remote.Setup{
		Spec: s, Settings: d.Repo.Config, Env: d.Env.Vars, Home: d.env("HOME"),
		WorkTree: d.Path(), GitDir: d.Repo.CommonDir, Logs: aboutOne{logs, s.UUID}, Log: d.Env.Log, Told: d.Env.Told, Trees: d.AnnexedFiles,
	}
}

// RemoteSetup is what a special remote with that configuration may use of this
// dataset, which may not know it yet.
func (d *Dataset) RemoteSetup(s remote.Spec, config map[string]string) remote.Setup {
	setup := d.remoteSetup(s, &remoteLogs{d: d})
	setup.Config = config
	return setup
}

// remoteLogs gives remotes the git-annex branch.
type remoteLogs struct {
	d    *Dataset
	once sync.Once
	logs *BranchLogs
	err  error
}

// Read implements remote.Logs.
func (l *remoteLogs) Read(ctx context.Context, path string) ([]byte, error) {
	l.once.Do(func() { l.logs, l.err = l.d.BranchLogs(context.WithoutCancel(ctx)) })
	if l.err != nil {
		return nil, l.err
	}
	data, err := l.logs.Read(ctx, path)
	if more, ok := l.d.lent.Load(path); ok && err == nil {
		data = append(data[:len(data):len(data)], more.([]byte)...)
	}
	return data, err
}

// LendURL lets remotes see a URL of a key that no log has, for as long as the
// content is being fetched from there.
func (d *Dataset) LendURL(k annexkey.Key, url string) (back func()) {
	path := annexlog.KeyPath(k, annexlog.URLSuffix)
	d.lent.Store(path, []byte("1s 1 "+url+"\n"))
	return func() { d.lent.Delete(path) }
}

// aboutOne are the logs as one remote writes to them.
type aboutOne struct {
	*remoteLogs
	uuid string
}

// Change implements remote.Logs by git-annex's journal, which the next commit
// of the branch folds in.
func (l aboutOne) Change(ctx context.Context, path string, change func(old []byte) []byte) error {
	return l.d.Annex.WriteJournal(ctx, path, l.uuid, change)
}

// Now implements remote.Logs.
func (l *remoteLogs) Now() annexlog.Clock { return l.d.LogClock() }
