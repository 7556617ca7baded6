package web

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/fetchurl"
)

// Also is the special remote httpalso: what another remote has stored, by http.
type Also struct {
	spec   remote.Spec
	base   string
	client *fetchurl.Client
	layout atomic.Int32 // the last that had something
}

// OpenAlso reads the address from the configuration.
func OpenAlso(s remote.Setup) (*Also, error) {
	base := strings.TrimRight(s.Option("url"), "/")
	if base == "" {
		return nil, errs.WithHint(fmt.Errorf("remote %s has no url", s.Name), "stemma annex enableremote %s url=URL", s.Name)
	}
	return &Also{spec: s.Spec, base: base, client: fetchurl.New(s)}, nil
}

// Name returns the remote's name in our configuration.
func (a *Also) Name() string { return a.spec.Name }

// UUID returns the identity of the remote whose content it shows.
func (a *Also) UUID() string { return a.spec.UUID }

// Describe implements remote.Describer.
func (a *Also) Describe() [][2]string {
	text := a.base
	if u, err := url.Parse(a.base); err == nil {
		text = u.Redacted()
	}
	return [][2]string{{"type", "httpalso"}, {"url", text}}
}

// Close implements remote.Closer.
func (a *Also) Close() error { a.client.Close(); return nil }

// places are the ways in which remotes arrange keys, in git-annex's order.
func places(k annexkey.Key) []string {
	file := url.PathEscape(k.File())
	lower, mixed := k.HashLower(), k.HashMixed()
	return []string{
		lower + "/" + file + "/" + file, mixed + "/" + file + "/" + file, file,
		lower + "/" + file, mixed + "/" + file,
		lower[:3] + "/" + file, mixed[:2] + "/" + file,
	}
}

// each tries the places until one has the key; it begins with the one that had
// the last.
func (a *Also) each(k annexkey.Key, try func(u string) error) error {
	if err := k.Safe(); err != nil {
		return err
	}
	list := places(k)
	first := int(a.layout.Load())
	for i := range list {
		n := (first + i) % len(list)
		err := try(a.base + "/" + list[n])
		if err == nil {
			a.layout.Store(int32(n))
		}
		if !errors.Is(err, remote.ErrAbsent) {
			return err
		}
	}
	return remote.ErrAbsent
}

// Present implements remote.Remote.
func (a *Also) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	err := a.each(k, func(u string) error { return sized(ctx, a.client, k, u) })
	if errors.Is(err, remote.ErrAbsent) {
		return false, nil
	}
	return err == nil, err
}

// Fetch implements remote.Remote.
func (a *Also) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	return a.each(k, func(u string) error { return a.client.Fetch(ctx, k, u, dst, 0, h) })
}

// FetchFrom implements remote.Resumer.
func (a *Also) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	return a.each(k, func(u string) error { return a.client.Fetch(ctx, k, u, dst, offset, h) })
}

// Store implements remote.Keeper: it fails.
func (a *Also) Store(context.Context, annexkey.Key, remote.Content) error {
	return readOnly(a.spec.Name)
}

// Remove implements remote.Keeper: it fails.
func (a *Also) Remove(context.Context, annexkey.Key) error { return readOnly(a.spec.Name) }
