package annexcmd

import (
	"context"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// RegisterURL records that the content of a key is at a URL of the web, or one
// that a special remote with the identity claims.
func (s *Session) RegisterURL(ctx context.Context, k annexkey.Key, url, claimedBy string) error {
	if err := annexlog.CheckValue(url); err != nil {
		return fmt.Errorf("register %q: %w", url, err)
	}
	uuid := WebUUID
	if claimedBy != "" && claimedBy != WebUUID {
		uuid, url = claimedBy, ":"+url
	}
	now := s.clock()
	err := s.Change(ctx, annex.LogEdit{Path: annexlog.KeyPath(k, annexlog.URLSuffix), Change: func(old []byte) []byte {
		out, _ := annexlog.ParsePresence(old).SetURL(url, annexlog.StatusPresent, now)
		return out
	}})
	if err != nil || uuid != WebUUID {
		return err
	}
	return s.SetLocation(ctx, k, uuid, annexlog.StatusPresent)
}

// UnregisterURL records that the content is no longer there. The web has the
// key no more once the last of its URLs is gone.
func (s *Session) UnregisterURL(ctx context.Context, k annexkey.Key, url string) error {
	now := s.clock()
	path := annexlog.KeyPath(k, annexlog.URLSuffix)
	err := s.Change(ctx, annex.LogEdit{Path: path, Change: func(old []byte) []byte {
		p := annexlog.ParsePresence(old)
		for _, u := range []string{url, ":" + url} {
			if _, known := p.Get(u); known {
				old, _ = p.SetURL(u, annexlog.StatusAbsent, now)
				p = annexlog.ParsePresence(old)
			}
		}
		return old
	}})
	if err != nil {
		return err
	}
	left, err := s.URLs(ctx, k)
	if err != nil {
		return err
	}
	for _, u := range left {
		if !strings.HasPrefix(u, ":") {
			return nil
		}
	}
	return s.SetLocation(ctx, k, WebUUID, annexlog.StatusAbsent)
}
