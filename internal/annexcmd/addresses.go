package annexcmd

import (
	"context"
	"fmt"
	"slices"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
)

// urlsByRepository tells what leads to a key's content in the repositories that
// have it: what a special remote says itself, and the recorded URLs. Those are
// the web's, unless a special remote has claimed one (":URL").
func (s *Session) urlsByRepository(ctx context.Context, r *Repositories, k annexkey.Key, where []string) (map[string][]string, error) {
	all, err := s.URLs(ctx, k)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	var claimed []string
	for _, u := range all {
		if rest, ok := cutClaim(u); ok {
			claimed = append(claimed, rest)
		} else if slices.Contains(where, WebUUID) {
			out[WebUUID] = append(out[WebUUID], u)
		}
	}
	for _, p := range r.Peers {
		id := p.UUID()
		if p.Spec.Kind != remote.Special || id == "" || id == WebUUID || id == r.here || !slices.Contains(where, id) {
			continue
		}
		out[id] = append(out[id], s.addresses(ctx, p, k)...)
		for _, u := range claimed {
			if s.serves(ctx, p, u) {
				out[id] = append(out[id], u)
			}
		}
	}
	return out, nil
}

// addresses asks a remote where the content lies there. One that does not answer
// is no obstacle to what is known without it, and is not asked again.
func (s *Session) addresses(ctx context.Context, p dataset.Peer, k annexkey.Key) []string {
	a, ok := remote.As[remote.Addresser](p.Remote)
	if !ok || s.mute[p.UUID()] {
		return nil
	}
	list, err := a.Addresses(ctx, k)
	if err != nil {
		s.silence(p, err)
	}
	return list
}

// serves reports whether a claimed URL is the remote's. One that cannot be
// opened here, or does not answer, may well be the one that has claimed it.
func (s *Session) serves(ctx context.Context, p dataset.Peer, url string) bool {
	if p.Remote == nil || s.mute[p.UUID()] {
		return true
	}
	c, ok := remote.As[Claimer](p.Remote)
	if !ok {
		return false
	}
	claims, err := c.Claims(ctx, url)
	if err != nil {
		s.silence(p, err)
	}
	return claims || err != nil
}

// silence keeps a remote from being asked again.
func (s *Session) silence(p dataset.Peer, err error) {
	s.mute[p.UUID()] = true
	s.D.Env.Log.Warn(fmt.Sprintf("unable to query remote %s for urls: %v", p.Spec.Name, err))
}
