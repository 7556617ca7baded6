package annex

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/pyfmt"
)

// Freezer runs the commands by which the user protects content beside its
// permissions, as where access lists overrule these. In a command %path, or
// %file, stands for the path. As with git-annex a command that fails changes
// nothing. A nil *Freezer runs nothing.
type Freezer struct {
	repo                *git.Repo
	freeze, thaw, erase string
}

// newFreezer reads annex.freezecontent-command, annex.thawcontent-command and
// annex.secure-erase-command; it is nil where none is set.
func newFreezer(repo *git.Repo) *Freezer {
	f := &Freezer{
		repo:   repo,
		freeze: repo.Config.Get("annex.freezecontent-command"),
		thaw:   repo.Config.Get("annex.thawcontent-command"),
		erase:  repo.Config.Get("annex.secure-erase-command"),
	}
	if f.freeze == "" && f.thaw == "" && f.erase == "" {
		return nil
	}
	return f
}

// Freeze is called after write permissions were taken from a file or a folder.
func (f *Freezer) Freeze(path string) {
	if f != nil {
		f.run(f.freeze, "%path", path)
	}
}

// Thaw is called before a file or a folder is made writable.
func (f *Freezer) Thaw(path string) {
	if f != nil {
		f.run(f.thaw, "%path", path)
	}
}

// Erase is called before the content of a key is deleted.
func (f *Freezer) Erase(object string) {
	if f != nil && f.erase != "" {
		f.Thaw(filepath.Dir(object))
		f.Thaw(object)
		f.run(f.erase, "%file", object)
	}
}

func (f *Freezer) run(command, place, path string) {
	if command == "" {
		return
	}
	if rel, err := filepath.Rel(f.repo.Path(), path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	_ = f.repo.Shell(context.Background(), strings.ReplaceAll(command, place, pyfmt.ShellQuote(path)))
}
