package annexcmd

import (
	"context"
	"errors"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
)

// webNotes is the web as something to drop from: what goes is our note of the
// URLs.
type webNotes struct {
	remote.Remote
	s *Session
}

// Store implements remote.Keeper.
func (webNotes) Store(context.Context, annexkey.Key, remote.Content) error {
	return errors.New("the web takes no content")
}

// Remove implements remote.Keeper.
func (w webNotes) Remove(ctx context.Context, k annexkey.Key) error {
	urls, err := w.s.URLs(ctx, k)
	if err != nil {
		return err
	}
	for _, u := range urls {
		if strings.HasPrefix(u, ":") {
			continue // another remote's
		}
		if err := w.s.UnregisterURL(ctx, k, u); err != nil {
			return err
		}
	}
	return nil
}
