package dataset

import (
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/remote"
)

// Trust tells how far repositories count.
type Trust struct {
	Log      annexlog.Log              // trust.log
	Trees    map[string]bool           // repositories that never count, see remote.Trees
	override map[string]annexlog.Trust // by configuration or options
}

// NewTrust is what trust.log and remote.log say; the configuration of peers
// overrides that.
func NewTrust(log, remotes annexlog.Log, peers []Peer) *Trust {
	t := &Trust{Log: log, Trees: remote.Trees(remotes), override: map[string]annexlog.Trust{}}
	levels := map[string]annexlog.Trust{
		"trusted": annexlog.Trusted, "semitrusted": annexlog.Semitrusted,
		"untrusted": annexlog.Untrusted, "dead": annexlog.Dead,
	}
	for _, p := range peers {
		if level, ok := levels[p.Spec.Trust]; ok && p.UUID() != "" {
			t.Override(p.UUID(), level)
		}
	}
	return t
}

// Override sets what a repository counts for, whatever the log says.
func (t *Trust) Override(uuid string, level annexlog.Trust) { t.override[uuid] = level }

// Of is how far a repository counts.
func (t *Trust) Of(uuid string) annexlog.Trust {
	level := t.said(uuid)
	if t.Trees[uuid] && level != annexlog.Dead {
		return annexlog.Untrusted
	}
	return level
}

// said is the trust that configuration and log tell.
func (t *Trust) said(uuid string) annexlog.Trust {
	if level, ok := t.override[uuid]; ok {
		return level
	}
	if e, ok := t.Log.Get(uuid); ok {
		if level, ok := annexlog.ParseTrust(e.Value); ok {
			return level
		}
	}
	return annexlog.Semitrusted
}
