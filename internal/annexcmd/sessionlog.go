package annexcmd

import (
	"context"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/remote"
)

// Change records an edit of the git-annex branch.
func (s *Session) Change(ctx context.Context, e annex.LogEdit) error {
	s.changed = true
	if s.Shared {
		return s.D.Annex.Note(ctx, []annex.LogEdit{e})
	}
	if _, ok := s.pending[e.Path]; !ok {
		s.order = append(s.order, e.Path)
	}
	s.pending[e.Path] = append(s.pending[e.Path], e)
	return nil
}

// SetLocation records whether a repository has the key's content.
func (s *Session) SetLocation(ctx context.Context, k annexkey.Key, uuid string, status annexlog.Status) error {
	return s.Change(ctx, annex.SetLocation(k, uuid, status, s.clock()))
}

// setValue changes one field of a log at the top of the branch.
func (s *Session) setValue(ctx context.Context, path, field, value string) error {
	if err := annexlog.CheckValue(value); err != nil {
		return err
	}
	parse := annexlog.ParseUUIDLog
	switch path {
	case annexlog.ConfigFile, annexlog.GroupPreferredContentFile:
		parse = annexlog.ParseMapLog
	}
	now := s.clock()
	s.repos = nil
	return s.Change(ctx, annex.LogEdit{Path: path, UUID: field, Change: func(old []byte) []byte {
		out, err := parse(old).Set(field, value, now)
		if err != nil {
			return old // not with a checked value
		}
		return out
	}})
}

// publish makes all changes of the git-annex branch so far visible to other
// processes; they are committed when the session ends.
func (s *Session) publish(ctx context.Context) error {
	edits := s.takeEdits()
	return s.D.Annex.Note(ctx, edits)
}

// takeEdits empties the list of changes.
func (s *Session) takeEdits() []annex.LogEdit {
	var edits []annex.LogEdit
	for _, p := range s.order {
		edits = append(edits, s.pending[p]...)
	}
	s.pending, s.order = map[string][]annex.LogEdit{}, nil
	return edits
}

// holds reports whether a remote has the key: by the log, or by looking where
// that costs next to nothing.
func (s *Session) holds(ctx context.Context, p dataset.Peer, where []string, k annexkey.Key) bool {
	if contains(where, p.UUID()) {
		return true
	}
	if _, cheap := remote.As[remote.Locator](p.Remote); !cheap {
		return false
	}
	has, err := p.Remote.Present(ctx, k)
	return err == nil && has
}
