package discard

import (
	"context"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
)

// trust tells how far a repository counts.
type trust struct {
	log      annexlog.Log
	override map[string]annexlog.Trust
	trees    map[string]bool // see remote.Trees
}

func readTrust(ctx context.Context, logs *dataset.BranchLogs, peers []dataset.Peer) (trust, error) {
	data, err := logs.Read(ctx, "trust.log")
	if err != nil {
		return trust{}, err
	}
	remotes, err := logs.Read(ctx, annexlog.RemoteFile)
	if err != nil {
		return trust{}, err
	}
	t := trust{annexlog.ParseUUIDLog(data), map[string]annexlog.Trust{}, remote.Trees(annexlog.ParseUUIDLog(remotes))}
	levels := map[string]annexlog.Trust{
		"trusted": annexlog.Trusted, "semitrusted": annexlog.Semitrusted,
		"untrusted": annexlog.Untrusted, "dead": annexlog.Dead,
	}
	for _, p := range peers {
		if level, ok := levels[p.Spec.Trust]; ok && p.UUID() != "" {
			t.override[p.UUID()] = level
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
