package all

import (
	"context"
	"fmt"
	"hash"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
)

// guard refuses what git-annex's settings for a special remote do not allow.
type guard struct {
	remote.Keeper
	name string
	// readOnly: nothing is stored or removed (annex-readonly).
	readOnly bool
	// verifiable: only content that its key verifies comes from there. What is
	// decrypted, or made by a program, could otherwise be any file that whoever
	// holds the remote wants to see decrypted or copied.
	verifiable bool
}

// guarded puts the guard before a remote that needs one.
func guarded(s remote.Setup, keeper remote.Keeper, risky bool) remote.Remote {
	g := newGuard(s, keeper, risky)
	if !g.readOnly && !g.verifiable {
		return keeper
	}
	return g
}

func newGuard(s remote.Setup, keeper remote.Keeper, risky bool) *guard {
	const accepted = "ACKTHPPT" // git-annex's word for it
	allowed := s.Settings.Get("annex.security.allow-unverified-downloads") == accepted || s.Setting("security-allow-unverified-downloads") == accepted
	return &guard{keeper, s.Name, isReadOnly(s), risky && !allowed}
}

// Unwrap implements remote.Unwrapper.
func (g *guard) Unwrap() remote.Remote { return g.Keeper }

func (g *guard) mayFetch(k annexkey.Key) error {
	if _, ok := k.Hasher(); ok || !g.verifiable {
		return nil
	}
	return errs.WithHint(fmt.Errorf("the content of %s cannot be verified, so it is not fetched from remote %s", k, g.name),
		"if you trust whoever keeps the remote: git config remote.%s.annex-security-allow-unverified-downloads ACKTHPPT", g.name)
}

// Fetch implements remote.Remote.
func (g *guard) Fetch(ctx context.Context, k annexkey.Key, dst string, h hash.Hash) error {
	if err := g.mayFetch(k); err != nil {
		return err
	}
	return g.Keeper.Fetch(ctx, k, dst, h)
}

// FetchFrom implements remote.Resumer: what is below always is one.
func (g *guard) FetchFrom(ctx context.Context, k annexkey.Key, dst string, offset int64, h hash.Hash) error {
	if err := g.mayFetch(k); err != nil {
		return err
	}
	return g.Keeper.(remote.Resumer).FetchFrom(ctx, k, dst, offset, h)
}

func (g *guard) mayWrite() error {
	if g.readOnly {
		return refusal(g.name)
	}
	return nil
}

// Store implements remote.Keeper.
func (g *guard) Store(ctx context.Context, k annexkey.Key, c remote.Content) error {
	if err := g.mayWrite(); err != nil {
		return err
	}
	return g.Keeper.Store(ctx, k, c)
}

// Remove implements remote.Keeper.
func (g *guard) Remove(ctx context.Context, k annexkey.Key) error {
	if err := g.mayWrite(); err != nil {
		return err
	}
	return g.Keeper.Remove(ctx, k)
}

// Describe implements remote.Describer.
func (g *guard) Describe() [][2]string {
	if d, ok := remote.As[remote.Describer](g.Keeper); ok {
		return d.Describe()
	}
	return nil
}
