package annexcmd

import "context"

// Claimer is a remote that can take over URLs, as external special remotes do.
type Claimer interface {
	// Claims reports whether the remote serves the URL.
	Claims(ctx context.Context, url string) (bool, error)
}

// Claim finds the remote that a URL belongs to: the one that is named, or the
// first that claims it; "" is the web.
func (s *Session) Claim(ctx context.Context, url, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	r, err := s.Repositories(ctx)
	if err != nil {
		return "", err
	}
	for _, p := range r.Peers {
		c, ok := p.Remote.(Claimer)
		if !ok || p.UUID() == WebUUID {
			continue
		}
		if claims, err := c.Claims(ctx, url); err == nil && claims {
			return p.UUID(), nil
		}
	}
	return "", nil
}
