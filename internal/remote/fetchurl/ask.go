package fetchurl

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/stemma-data/stemma/internal/remote"
)

// busyTries is how often a server is asked that says when to come back.
const busyTries = 4

// do asks until the server does not say any more that it wants to be left alone
// for a while.
func (c *Client) do(ctx context.Context, method string, u *url.URL, offset int64) (*http.Response, error) {
	for n := 1; ; n++ {
		resp, err := c.once(ctx, method, u, offset)
		if err != nil || n == busyTries || resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusTooManyRequests {
			return resp, err
		}
		wait, ok := remote.RetryAfter(resp.Header.Get("Retry-After"), time.Now())
		if !ok {
			return resp, nil
		}
		resp.Body.Close()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

func (c *Client) once(ctx context.Context, method string, u *url.URL, offset int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, h := range c.headers {
		req.Header.Set(h[0], h[1])
	}
	req.Header.Set("User-Agent", "stemma")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := c.http.Do(req)
	var uerr *url.Error
	if errors.As(err, &uerr) {
		return nil, fmt.Errorf("%s: %w", u.Redacted(), uerr.Err)
	}
	return resp, err
}
