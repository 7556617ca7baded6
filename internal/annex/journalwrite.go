package annex

import (
	"bytes"
	"context"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"

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
	texts, err := a.changed(ctx, edits)
	if err != nil {
		return err
	}
	return a.writeJournal(texts)
}

// changed are the logs that the edits make different.
func (a *Annex) changed(ctx context.Context, edits []LogEdit) (map[string][]byte, error) {
	texts := map[string][]byte{}
	for _, e := range edits {
		if !safeLogPath(e.Path) {
			return nil, fmt.Errorf("write journal: %q is no path of the git-annex branch", e.Path)
		}
		old, known := texts[e.Path]
		if !known {
			var err error
			if old, err = a.publicLog(ctx, e.Path); err != nil {
				return nil, err
			}
		}
		if text := e.Change(old); !bytes.Equal(old, text) {
			texts[e.Path] = text
		}
	}
	return texts, nil
}

// journalAtOnce is how many files of the journal are written at a time: what
// takes long is to sync them, and file systems sync several as fast as one.
const journalAtOnce = 16

// writeJournal replaces files of the journal.
func (a *Annex) writeJournal(texts map[string][]byte) error {
	var group errgroup.Group
	group.SetLimit(journalAtOnce)
	for path, text := range texts {
		group.Go(func() error {
			file := a.Dir("journal", annexlog.JournalName(path))
			if err := fsx.WriteFileVia(a.Dir("tmp"), file, text, 0o644); err != nil {
				return fmt.Errorf("write journal: %w", err)
			}
			return a.Repo.Share(file)
		})
	}
	return group.Wait()
}

// Pending reports whether the journal holds changes that no commit has yet.
func (a *Annex) Pending() bool {
	entries, err := os.ReadDir(a.Dir("journal"))
	return err == nil && len(entries) > 0
}
