// Package annex is the git-annex side of a repository: the object store, the
// git-annex branch with its journal, and initialisation, in git-annex's own
// formats and under its own locks. It decides nothing about which files
// belong into the annex and makes no commits on the user's branches.
package annex

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
)

// ErrNotInitialised means that the repository has no annex.
var ErrNotInitialised = errors.New("the repository has no annex")

// supportedVersion is the newest repository version whose rules this package
// follows.
const supportedVersion = "10"

// Annex is the annex of one repository. It is safe for concurrent use.
type Annex struct {
	Repo *git.Repo
	UUID string
	dir  string // <git common dir>/annex

	guard   *Guard
	freezer *Freezer

	newDirs atomic.Uint32 // permissions of a folder that newKeyDir made; 0: not looked at yet
}

// Open returns the annex of an initialised repository, ErrNotInitialised, or
// an error for a version that this program does not know.
func Open(repo *git.Repo) (*Annex, error) {
	uuid, version := repo.Config.Get("annex.uuid"), repo.Config.Get("annex.version")
	if uuid == "" && version == "" {
		return nil, ErrNotInitialised
	}
	if uuid == "" || version == "" {
		return nil, errs.WithHint(fmt.Errorf("open annex: only one of annex.uuid and annex.version is set"),
			"set the other one, or unset both and initialise again")
	}
	if version != "8" && version != "9" && version != supportedVersion {
		return nil, fmt.Errorf("open annex: repository version %s is not supported (8 to %s are)", version, supportedVersion)
	}
	return newAnnex(repo, uuid), nil
}

func newAnnex(repo *git.Repo, uuid string) *Annex {
	return &Annex{
		Repo: repo, UUID: uuid, dir: filepath.Join(repo.CommonDir, "annex"),
		guard: NewGuard(repo.Config, repo.IndexPath(), repo.Format),
	}
}

// Guard is what knows about objects that can change.
func (a *Annex) Guard() *Guard { return a.guard }

// RunCommands lets the commands protect objects that the repository's own
// configuration names. It is for the repository that the user works in: what
// another one is set up to run is not run because content goes there. It is
// called before anything else.
func (a *Annex) RunCommands() { a.freezer = newFreezer(a.Repo) }

// Freezer is what protects objects beside their permissions, or nil.
func (a *Annex) Freezer() *Freezer { return a.freezer }

// Dir joins elem to the annex folder inside git's common folder.
func (a *Annex) Dir(elem ...string) string {
	return filepath.Join(append([]string{a.dir}, elem...)...)
}
