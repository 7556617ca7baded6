package annex

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/fsx"
)

// privates are the repositories of which nobody else shall hear: this one
// (annex.private), and special remotes (remote.NAME.annex-private). What is
// recorded about them stays in journal-private.
func (a *Annex) privates() map[string]bool {
	cfg := a.Repo.Config
	var list map[string]bool
	add := func(uuid string) {
		if uuid == "" {
			return
		}
		if list == nil {
			list = map[string]bool{}
		}
		list[uuid] = true
	}
	if cfg.Bool("annex.private", false) {
		add(a.UUID)
	}
	for _, key := range cfg.Keys("remote.") {
		if name, ok := strings.CutSuffix(key, ".annex-private"); ok && cfg.Bool(key, false) {
			add(cfg.Get(name + ".annex-uuid"))
		}
	}
	return list
}

// JournalPaths are the logs that have something in the journal, or in the one that
// stays here.
func (a *Annex) JournalPaths() []string {
	var paths []string
	for _, folder := range []string{"journal", "journal-private"} {
		entries, _ := os.ReadDir(a.Dir(folder))
		for _, e := range entries {
			paths = append(paths, annexlog.FromJournalName(e.Name()))
		}
	}
	return paths
}

// splitPrivate takes out the edits that must not reach the branch.
func (a *Annex) splitPrivate(edits []LogEdit) (public, private []LogEdit) {
	privates := a.privates()
	if len(privates) == 0 {
		return edits, nil
	}
	for _, e := range edits {
		if privates[e.UUID] {
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
