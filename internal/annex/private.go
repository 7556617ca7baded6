package annex

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
)

// private reports whether nobody else shall hear of this repository
// (annex.private): what is recorded about it stays in journal-private.
func (a *Annex) private() bool { return a.Repo.Config.Bool("annex.private", false) }

// splitPrivate takes out the edits that must not reach the branch.
func (a *Annex) splitPrivate(edits []LogEdit) (public, private []LogEdit) {
	if !a.private() {
		return edits, nil
	}
	for _, e := range edits {
		if e.UUID == a.UUID {
			private = append(private, e)
		} else {
			public = append(public, e)
		}
	}
	return public, private
}

// privateFile is the private version of a log, which adds to the public one.
func (a *Annex) privateFile(path string) ([]byte, error) {
	data, err := os.ReadFile(a.Dir("journal-private", annexlog.JournalName(path)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// notePrivate applies edits to the private journal, under the journal's lock.
// Like git-annex it keeps full copies of the logs as they are now.
func (a *Annex) notePrivate(ctx context.Context, edits []LogEdit) error {
	for _, e := range edits {
		if !safeLogPath(e.Path) {
			return fmt.Errorf("write private journal: %q is no path of the git-annex branch", e.Path)
		}
		old, err := a.privateFile(e.Path)
		if err == nil && old == nil {
			old, err = a.publicLog(ctx, e.Path)
		}
		if err != nil {
			return fmt.Errorf("write private journal: %w", err)
		}
		text := e.Change(old)
		if bytes.Equal(text, old) {
			continue
		}
		if err := os.MkdirAll(a.Dir("journal-private"), 0o777); err != nil {
			return fmt.Errorf("write private journal: %w", err)
		}
		file := a.Dir("journal-private", annexlog.JournalName(e.Path))
		if err := fsx.WriteFileVia(a.Dir("tmp"), file, text, 0o644); err != nil {
			return fmt.Errorf("write private journal: %w", err)
		}
	}
	return nil
}
