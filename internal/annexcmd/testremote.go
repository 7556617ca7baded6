package annexcmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/crypt"
)

// TestRemoteOptions says what a remote is tried with.
type TestRemoteOptions struct {
	Size int64 // about how long the contents are, in bytes
	// ReadOnly names a file whose content the remote has: nothing is stored
	// there then. "" if it may be written to.
	ReadOnly string
}

// TestRemote tries whether a remote keeps what it is given: contents of several
// lengths, which it gives up again in the end. A special remote is tried with
// and without encryption and chunks, however it is configured; with Fast there
// are fewer lengths and no chunks. tell hears of each trial in turn.
func (s *Session) TestRemote(ctx context.Context, name string, opt TestRemoteOptions, tell func(Trial)) error {
	r, err := s.Repositories(ctx)
	if err != nil {
		return err
	}
	p, err := r.Peer(name)
	if err == nil && p.Remote == nil {
		err = p.Err
	}
	if err != nil {
		return err
	}
	t, err := s.newTrials(opt, tell)
	if err != nil {
		return err
	}
	defer t.clear()
	if opt.ReadOnly != "" {
		t.group = "readonly remote"
		return t.readOnly(ctx, p.Remote)
	}
	variants, err := s.variants(ctx, p, opt.Size)
	if err != nil {
		return err
	}
	for _, v := range variants {
		if err := t.variant(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// variant is a remote in one of the ways in which it may be configured.
type variant struct {
	name string
	open func(ctx context.Context) (remote.Remote, error)
}

func (s *Session) variants(ctx context.Context, p dataset.Peer, size int64) ([]variant, error) {
	if _, ok := remote.As[remote.Placer](p.Remote); ok {
		return nil, fmt.Errorf("the content of %s is left to git-annex, which has to test it", p.Spec.Name)
	}
	if _, ok := p.Remote.(remote.Keeper); !ok {
		return nil, errNoKeys(p)
	}
	if p.Spec.Kind != remote.Special {
		return []variant{{"remote", func(context.Context) (remote.Remote, error) { return p.Remote, nil }}}, nil
	}
	config, err := s.D.RemoteConfig(ctx, p.Spec)
	if err != nil {
		return nil, err
	}
	if config["exporttree"] == "yes" || config["importtree"] == "yes" {
		return nil, errNoKeys(p)
	}
	var list []variant
	for _, chunk := range s.chunkSizes(size) {
		for _, scheme := range []crypt.Scheme{crypt.None, crypt.Shared} {
			list = append(list, s.specialVariant(p.Spec, config, chunk, scheme))
		}
	}
	if own := config["encryption"]; !slices.Contains([]string{"", "none", "shared"}, own) {
		list = append(list, variant{"remote encryption=" + own, func(context.Context) (remote.Remote, error) { return p.Remote, nil }})
	}
	return list, nil
}

func errNoKeys(p dataset.Peer) error {
	return errs.WithHint(fmt.Errorf("%s is no remote that content is stored in by key", p.Spec.Name), "--test-readonly FILE tests whether content comes from there")
}

func (s *Session) chunkSizes(size int64) []int64 {
	const pieces = 10
	if s.Fast || size < pieces {
		return []int64{0}
	}
	return []int64{0, size / pieces, size}
}

func (s *Session) specialVariant(spec remote.Spec, config map[string]string, chunk int64, scheme crypt.Scheme) variant {
	return variant{fmt.Sprintf("remote chunksize=%d encryption=%s", chunk, scheme), func(ctx context.Context) (remote.Remote, error) {
		c := maps.Clone(config)
		for _, field := range []string{"cipher", "cipherkeys", "pubkeys", "mac"} {
			delete(c, field)
		}
		c["encryption"], c["chunk"] = string(scheme), strconv.FormatInt(chunk, 10)
		c, _, err := crypt.Create(ctx, s.D.RemoteSetup(spec, c))
		if err != nil {
			return nil, err
		}
		r, err := s.D.OpenVariant(ctx, spec, c)
		if err != nil {
			return nil, err
		}
		if _, ok := r.(remote.Keeper); !ok {
			return nil, errors.New("content cannot be stored there")
		}
		return r, nil
	}}
}
