package annex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// Snapshot reads logs as they were at one moment, for a command that asks about
// many keys and changes none: what other processes write meanwhile does not
// show. It is safe for concurrent use.
type Snapshot struct {
	annex   *Annex
	tip     gitobj.OID      // "" where only git can read the branch
	journal map[string]bool // names of the files that waited in it
	private bool            // there are repositories of which nobody else shall hear
}

// Snapshot is the state of the logs now.
func (a *Annex) Snapshot(ctx context.Context) (*Snapshot, error) {
	s := &Snapshot{annex: a, journal: map[string]bool{}, private: len(a.privates()) > 0}
	if a.Repo.NativeRefs() {
		var err error
		if s.tip, err = a.Repo.Ref(ctx, BranchRef); err != nil {
			return nil, err
		}
	}
	// The journal comes second: what is folded into the branch meanwhile is read
	// from the branch as it is then.
	entries, err := os.ReadDir(a.Dir("journal"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	for _, e := range entries {
		s.journal[e.Name()] = true
	}
	return s, nil
}

// ReadLog is Annex.ReadLog at the moment of the snapshot.
func (s *Snapshot) ReadLog(ctx context.Context, path string) ([]byte, error) {
	if s.tip == "" || s.private || len(s.journal) > 0 && s.journal[annexlog.JournalName(path)] {
		return s.annex.ReadLog(ctx, path)
	}
	data, _, err := s.annex.Repo.BlobAt(ctx, s.tip, path)
	return data, err
}
