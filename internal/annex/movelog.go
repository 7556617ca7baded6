package annex

import (
	"context"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Moving is content on its way to a repository that did not have it. Where the
// way is broken off, it is known later that the number of copies was not to be
// lowered by it.
type Moving struct {
	From, To string // identities of repositories
	Key      annexkey.Key
}

// line is the move's in git-annex's move.log.
func (m Moving) line() string { return m.From + " " + m.To + " " + m.Key.String() }

// movesKept bounds the moves that were broken off and never done again.
// git-annex keeps a hundred.
const movesKept = 1000

// Moves are those that git-annex's move.log has, as one process knows them. It is
// not safe for concurrent use.
type Moves struct {
	a     *Annex
	begun map[string]bool
}

// Moves reads which moves were begun and have not ended, git-annex's too.
func (a *Annex) Moves() (*Moves, error) {
	lines, err := a.moveLines()
	begun := map[string]bool{}
	for _, l := range lines {
		begun[l] = true
	}
	return &Moves{a, begun}, err
}

// Begun reports whether a move was begun and has not ended.
func (m *Moves) Begun(way Moving) bool { return m.begun[way.line()] }

// Begin records moves before they begin.
func (m *Moves) Begin(ctx context.Context, ways []Moving) error {
	err := m.a.editMoves(ctx, ways, func(lines []string, line string) []string {
		if slices.Contains(lines, line) {
			return lines
		}
		return append(lines, line)
	})
	if err == nil {
		for _, w := range ways {
			m.begun[w.line()] = true
		}
	}
	return err
}

// End forgets moves that have ended, or have changed nothing.
func (m *Moves) End(ctx context.Context, ways []Moving) error {
	ways = slices.DeleteFunc(slices.Clone(ways), func(w Moving) bool { return !m.Begun(w) })
	err := m.a.editMoves(ctx, ways, func(lines []string, line string) []string {
		return slices.DeleteFunc(lines, func(l string) bool { return l == line })
	})
	if err == nil {
		for _, w := range ways {
			delete(m.begun, w.line())
		}
	}
	return err
}

func (a *Annex) editMoves(ctx context.Context, moves []Moving, edit func(lines []string, line string) []string) error {
	if len(moves) == 0 {
		return nil
	}
	lock, err := fsx.LockFile(ctx, a.Dir("move.lck"), true)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	lines, err := a.moveLines()
	if err != nil {
		return err
	}
	before := slices.Clone(lines)
	for _, m := range moves {
		lines = edit(lines, m.line())
	}
	if slices.Equal(before, lines) {
		return nil
	}
	lines = lines[max(len(lines)-max(movesKept, len(moves)), 0):]
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l + "\n")
	}
	return fsx.WriteFileVia(a.Dir("tmp"), a.Dir("move.log"), []byte(text.String()), 0o644)
}

func (a *Annex) moveLines() ([]string, error) { return a.logLines("move.log") }
