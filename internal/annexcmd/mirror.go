package annexcmd

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/dataset"
)

// Mirror makes a remote have what is here, or the reverse: what one side lacks
// is copied there, and what the other side lacks is dropped as far as enough
// copies are left.
type Mirror struct {
	s    *Session
	from *dataset.Peer // nil: the remote becomes like us
	send *Sender
	get  *Getter
	drop *Dropper
}

// MirrorTo begins to make the remote like us.
func (s *Session) MirrorTo(ctx context.Context, to string) (*Mirror, error) {
	send, err := s.NewSender(ctx, to, false)
	if err != nil {
		return nil, err
	}
	drop, err := s.NewDropper(ctx, to)
	return &Mirror{s: s, send: send, drop: drop}, err
}

// MirrorFrom begins to make us like the remote.
func (s *Session) MirrorFrom(ctx context.Context, from string) (*Mirror, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	p, err := r.Peer(from)
	if err != nil {
		return nil, err
	}
	get, err := s.NewGetter(ctx, GetOptions{From: from})
	if err != nil {
		return nil, err
	}
	drop, err := s.NewDropper(ctx, "")
	return &Mirror{s: s, from: &p, get: get, drop: drop}, err
}

// Add treats one file.
func (m *Mirror) Add(ctx context.Context, f File) (bool, error) {
	here := m.s.D.Annex.Has(f.Key)
	if m.from == nil {
		if here {
			return m.send.Send(ctx, f)
		}
		return m.dropThere(ctx, f)
	}
	there, err := m.there(ctx, f, *m.from)
	switch {
	case err != nil:
		return true, m.s.Report(f.Item("mirror").error(err))
	case there:
		return m.get.Add(ctx, f)
	case here:
		return m.drop.Drop(ctx, f)
	}
	return false, nil
}

// dropThere deletes the remote's copy, also one that no log knows of.
func (m *Mirror) dropThere(ctx context.Context, f File) (bool, error) {
	there, err := m.there(ctx, f, *m.drop.from)
	if err != nil {
		return true, m.s.Report(f.Item(m.drop.name).error(err))
	}
	if !there {
		return false, nil
	}
	return m.drop.Drop(ctx, f)
}

// there asks the remote.
func (m *Mirror) there(ctx context.Context, f File, p dataset.Peer) (bool, error) {
	if p.Remote == nil {
		return false, p.Err
	}
	return p.Remote.Present(ctx, f.Key)
}

// Flush completes what was begun.
func (m *Mirror) Flush(ctx context.Context) error {
	var failures []error
	if m.get != nil {
		failures = append(failures, m.get.Flush(ctx))
	}
	if m.send != nil {
		failures = append(failures, m.send.Flush(ctx))
	}
	return errors.Join(append(failures, m.drop.Flush(ctx))...)
}
