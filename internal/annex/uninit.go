package annex

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
)

// ErrHasContent says that the annex knows content, so that it stays.
var ErrHasContent = errors.New("Annex has some annexed files, unsafe")

// branchRef is the branch of location logs.
const branchRef = "refs/heads/git-annex"

// Uninit makes the repository one without an annex. It refuses with
// ErrHasContent where the git-annex branch, or the journal, knows any key.
func (a *Annex) Uninit(ctx context.Context) error {
	tip, err := a.Repo.Ref(ctx, branchRef)
	if err != nil {
		return err
	}
	if err := a.refuseKeys(ctx, git.TreeDiff{To: tip}); err != nil {
		return err
	}
	if tip != "" {
		if err := a.Repo.MoveRefs(ctx, []git.RefMove{{Name: branchRef, Old: tip}}, "stemma: without annex"); err != nil {
			return err
		}
	}
	for _, step := range []func() error{a.dropHooks, a.dropAttributes, a.dropConfig, a.dropFolder} {
		if err := step(); err != nil {
			return fmt.Errorf("take the annex away: %w", err)
		}
	}
	return nil
}

func (a *Annex) refuseKeys(ctx context.Context, all git.TreeDiff) error {
	err := a.Repo.DiffTrees(ctx, all, func(c git.TreeDelta) error {
		if strings.Contains(c.Path, "/") {
			return ErrHasContent
		}
		return nil
	})
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(a.Dir("journal"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return ErrHasContent
	}
	return nil
}

func (a *Annex) dropHooks() error {
	for name := range hooks {
		path := filepath.Join(a.Repo.CommonDir, "hooks", name)
		text, err := os.ReadFile(path)
		if err == nil && IsOwnHook(name, string(text)) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Annex) dropAttributes() error {
	path := filepath.Join(a.Repo.CommonDir, "info", "attributes")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(text), infoAttributes, "", 1)), 0o666)
}

func (a *Annex) dropConfig() error {
	edits := []git.ConfigEdit{{Key: "annex.uuid"}} // blank, as git-annex leaves it
	for _, key := range []string{"annex.version", "filter.annex.smudge", "filter.annex.clean"} {
		if a.Repo.Config.Local(key) {
			edits = append(edits, git.ConfigEdit{Key: key, Remove: true})
		}
	}
	return a.Repo.EditConfig(edits...)
}

// dropFolder removes what is left of the annex, read-only folders included.
func (a *Annex) dropFolder() error {
	err := filepath.WalkDir(a.Dir(), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		a.freezer.Thaw(path)
		if e.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(a.Dir())
}
