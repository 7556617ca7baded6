package annexcmd

import (
	"context"
	"errors"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/transfer"
)

// mover has what all moves share: the note of what is on its way, and the rule
// by which the source loses its copy.
type mover struct {
	s              *Session
	repos          *Repositories
	moves          *annex.Moves
	drop           *Dropper      // from the source; nil: it keeps its copy
	source, target string        // identities of repositories
	dest           remote.Remote // nil: we are the destination
	over           []annex.Moving
}

// movePortion is how many files are on their way until what was moved goes. As
// git-annex keeps no more than a hundred notes, it can take up all of them.
const movePortion = 64

// manyOver is how many moves have ended until that is noted: it costs a pass
// through the index.
const manyOver = 8 * movePortion

// newMover begins to move content from one repository to another.
func (s *Session) newMover(ctx context.Context, source, target string, dest remote.Remote) (*mover, error) {
	r, err := s.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	moves, err := s.begunMoves()
	return &mover{s: s, repos: r, moves: moves, source: source, target: target, dest: dest}, err
}

// begunMoves reads the notes of moves, once.
func (s *Session) begunMoves() (*annex.Moves, error) {
	var err error
	if s.moves == nil {
		s.moves, err = s.D.Annex.Moves()
	}
	return s.moves, err
}

// overtaken forgets moves that were broken off where a copy has been made since:
// both sides shall have theirs now.
func (s *Session) overtaken(ctx context.Context, ways []annex.Moving) error {
	if len(ways) == 0 {
		return nil
	}
	moves, err := s.begunMoves()
	if err != nil {
		return err
	}
	return moves.End(ctx, ways)
}

// way is that of a key.
func (m *mover) way(k annexkey.Key) annex.Moving {
	return annex.Moving{From: m.source, To: m.target, Key: k}
}

// lacked reports whether the destination had nothing before the move, also if
// it was begun by a process that was killed.
func (m *mover) lacked(k annexkey.Key, had bool) bool { return !had || m.moves.Begun(m.way(k)) }

// ends takes note of a move that has nothing left to do.
func (m *mover) ends(k annexkey.Key) {
	if w := m.way(k); m.moves.Begun(w) {
		m.over = append(m.over, w)
	}
}

// again notes moves once more where git-annex has carried the content: it forgets
// them together with its own.
func (m *mover) again(ctx context.Context, by remote.Remote, ways []annex.Moving) error {
	if _, places := remote.As[remote.Placer](by); !places {
		return nil
	}
	return m.moves.Begin(ctx, ways)
}

// dropSource ends a move: the source loses its copy if the rules allow it.
// settled is false where the move can be taken up again.
func (m *mover) dropSource(ctx context.Context, f File, item Item, lacked bool, notes ...Note) (settled bool, err error) {
	ok, o, err := m.drop.allowed(ctx, f, m.source, item)
	if err != nil || !ok {
		return true, errors.Join(err, m.s.reportUnless(err, notMoved(o, m.drop.place(), notes...)))
	}
	proof, own, whole, err := m.proof(ctx, f, lacked)
	if err != nil {
		return false, err
	}
	became, err := m.drop.remove(ctx, f, item, own, proof, notes...)
	return became == dropDone || became == dropUnsafe && whole, err
}

// proof is what must be shown before the source loses its copy. Where the
// destination has just got its own, the number of copies stays as it was, so
// that one is enough if it is trusted as the source's is; otherwise the proof is
// the whole one, as for any drop. own is as for transfer.DropFrom.
func (m *mover) proof(ctx context.Context, f File, lacked bool) (p transfer.Proof, own string, whole bool, err error) {
	switch {
	case m.s.Force:
		return transfer.Proof{}, "", false, nil
	case !lacked || !m.repos.trustedAs(m.target, m.source):
		p, err = m.drop.proof(ctx, f, m.source)
		if m.drop.from == nil && !m.repos.trust.Trees[m.target] {
			p.Ask = append([]remote.Remote{m.dest}, p.Ask...) // it counts even if untrusted
		}
		return p, m.drop.witness(), true, err
	case m.dest == nil:
		return transfer.Proof{Need: 1, Locked: 1}, m.target, false, nil
	}
	return transfer.Proof{Need: 1, Ask: []remote.Remote{m.dest}}, "", false, nil
}

// finish notes that moves have ended, after all else that was left to be done.
// A process that is killed before this finds them begun, and ends them.
func (m *mover) finish(ctx context.Context) error {
	if m.drop != nil {
		if err := errors.Join(m.drop.empty(ctx), m.s.publish(ctx)); err != nil {
			return err
		}
	}
	over := m.over
	m.over = nil
	return m.moves.End(ctx, over)
}
