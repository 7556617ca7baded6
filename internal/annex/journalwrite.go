package annex

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Note records the edits in the journal, durably and where every reader sees
// them, and leaves it to a later command to commit them.
func (a *Annex) Note(ctx context.Context, edits []LogEdit) error {
	if len(edits) == 0 {
		return nil
	}
	j, err := a.LockJournal(ctx)
	if err != nil {
		return err
	}
	defer j.Unlock()
	if err := a.Repo.MakeShared(a.Dir("journal")); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	edits, private := a.splitPrivate(edits)
	if err := a.notePrivate(ctx, private); err != nil {
		return err
	}
	for _, e := range edits {
		if !safeLogPath(e.Path) {
			return fmt.Errorf("write journal: %q is no path of the git-annex branch", e.Path)
		}
		old, err := a.publicLog(ctx, e.Path)
		if err != nil {
			return err
		}
		text := e.Change(old)
		if bytes.Equal(old, text) {
			continue
		}
		if err := a.writeJournal(e.Path, text); err != nil {
			return fmt.Errorf("write journal: %w", err)
		}
	}
	return nil
}

// writeJournal replaces a file of the journal.
func (a *Annex) writeJournal(path string, text []byte) error {
	file := a.Dir("journal", annexlog.JournalName(path))
	if err := fsx.WriteFileVia(a.Dir("tmp"), file, text, 0o644); err != nil {
		return err
	}
	return a.Repo.Share(file)
}

// Pending reports whether the journal holds changes that no commit has yet.
func (a *Annex) Pending() bool {
	entries, err := os.ReadDir(a.Dir("journal"))
	return err == nil && len(entries) > 0
}
