package annexcmd

import (
	"context"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
)

// Claimer is a remote that can take over URLs, as external special remotes do.
type Claimer interface {
	remote.Remote
	// Claims reports whether the remote serves the URL.
	Claims(ctx context.Context, url string) (bool, error)
	// CheckURL is the size in bytes of what the URL leads to, -1 if unknown.
	CheckURL(ctx context.Context, url string) (int64, error)
}

// Claim finds the remote that a URL belongs to: the one that is named, or the
// first that claims it; "" is the web.
func (s *Session) Claim(ctx context.Context, url, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	p, _, err := s.claimer(ctx, url)
	if err != nil || p == nil {
		return "", err
	}
	return p.UUID(), nil
}

// claimer finds the remote that claims a URL; nil is the web.
func (s *Session) claimer(ctx context.Context, url string) (*dataset.Peer, Claimer, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range r.Peers {
		c, ok := remote.As[Claimer](p.Remote)
		if !ok {
			continue
		}
		if claims, err := c.Claims(ctx, url); err == nil && claims {
			return &p, c, nil
		}
	}
	return nil, nil, nil
}

// source is where the content of a URL comes from: the web, or the remote that
// has claimed it.
type source struct {
	uuid  string // "" for the web
	size  func(ctx context.Context) (int64, error)
	fetch func(ctx context.Context, dst string) error
}
