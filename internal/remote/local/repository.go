package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
)

// Repository is a repository of this machine into which content may be put: it
// keeps its own location log. It is safe for concurrent use.
type Repository struct {
	*Store
	Git   *git.Repo
	Annex *annex.Annex
	own   bool         // see RepositoryOptions
	room  *remote.Room // nil refuses nothing

	mu      sync.Mutex
	pending int // records in the journal that are not committed yet
}

// RepositoryOptions says how another repository is opened.
type RepositoryOptions struct {
	Env []string // for git, KEY=VALUE
	// Init makes an annex where there is none: always, or, with Auto, only if
	// the repository has a git-annex branch, its own or a fetched one.
	Init, Auto  bool
	Description string // of a new annex, for people
	// Own is for the repository that this process serves: the commands that it is
	// set up to protect content with are run.
	Own bool
}

// OpenRepository opens the repository at a path, which may be bare. Errors:
// remote.ErrNoAnnex, and whatever git has against it.
func OpenRepository(ctx context.Context, dir string, opt RepositoryOptions) (*Repository, error) {
	repo, err := git.OpenAt(ctx, dir, git.Options{Env: opt.Env})
	if err != nil {
		return nil, err
	}
	a, err := annex.Open(repo)
	if errors.Is(err, annex.ErrNotInitialised) {
		err = remote.ErrNoAnnex
		if opt.Init || opt.Auto && hasBranch(ctx, repo) {
			a, err = initialise(ctx, repo, opt.Description)
		}
	}
	if err != nil {
		repo.Close()
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if opt.Own {
		a.RunCommands()
	}
	return &Repository{Git: repo, Annex: a, own: opt.Own, room: remote.NewRoom(a.Dir(), repo.Config), Store: &Store{
		Dir: a.Dir(), Bare: repo.Bare,
		Version: repo.Config.Get("annex.version"),
		PidLock: repo.Config.Bool("annex.pidlock", false),
		Guard:   a.Guard(),
		Freezer: a.Freezer(),
	}}, nil
}

// hasBranch reports whether the repository belongs to an annex already.
func hasBranch(ctx context.Context, repo *git.Repo) bool {
	if id, err := repo.Ref(ctx, annex.BranchRef); err == nil && id != "" {
		return true
	}
	id, err := repo.Ref(ctx, originBranch)
	return err == nil && id != ""
}

const originBranch = "refs/remotes/origin/git-annex"

func initialise(ctx context.Context, repo *git.Repo, description string) (*annex.Annex, error) {
	now := time.Now()
	a, logs, err := annex.Init(repo, annex.InitOptions{UUID: annex.NewUUID(), Description: description, Now: annexlog.ClockOf(now)})
	if err != nil {
		return nil, err
	}
	if own, err := repo.Ref(ctx, annex.BranchRef); err == nil && own == "" {
		if id, err := repo.Ref(ctx, originBranch); err == nil && id != "" {
			err = repo.MoveRefs(ctx, []git.RefMove{{Name: annex.BranchRef, New: id}}, "stemma: initialise annex")
			if err != nil {
				return nil, err
			}
		}
	}
	return a, a.Commit(ctx, logs, now, "stemma: initialise annex")
}

// commitEach is after how many records in the journal they are committed.
const commitEach = 5000

// record notes in the repository's own location log whether it has the key, in
// its journal.
func (r *Repository) record(ctx context.Context, k annexkey.Key, status annexlog.Status) error {
	edit := annex.SetLocation(k, r.Annex.UUID, status, annexlog.ClockOf(time.Now()))
	if err := r.Annex.WriteJournal(ctx, edit.Path, edit.UUID, edit.Change); err != nil {
		return err
	}
	r.mu.Lock()
	r.pending++
	full := r.pending >= commitEach
	r.mu.Unlock()
	if full {
		return r.Flush(ctx)
	}
	return nil
}

// Flush commits what was recorded to the git-annex branch.
func (r *Repository) Flush(ctx context.Context) error {
	r.mu.Lock()
	n := r.pending
	r.pending = 0
	r.mu.Unlock()
	if n == 0 {
		return nil
	}
	return r.Annex.Commit(ctx, nil, time.Now(), "stemma: content came or went")
}

// Close commits what was recorded and ends git's processes.
func (r *Repository) Close() error {
	err := r.Flush(context.Background())
	r.Git.Close()
	return err
}

// Delete removes the key's content under the exclusive lock, right after still
// has allowed it, and records that. Content that is not there is success.
// Errors: remote.ErrBusy, remote.ErrNoLock, that of still, and that the
// repository asks for something that is not known here.
func (r *Repository) Delete(ctx context.Context, k annexkey.Key, still func() error) error {
	if err := r.mayDelete(); err != nil {
		return err
	}
	lock, err := r.Exclude(k)
	switch {
	case errors.Is(err, remote.ErrAbsent):
		return r.recordGone(ctx, k)
	case err != nil:
		return err
	}
	if err := still(); err != nil {
		lock.Release()
		return err
	}
	if err := lock.Remove(); err != nil {
		return err
	}
	return r.record(ctx, k, annexlog.StatusAbsent)
}

// mayDelete refuses annexes in which deleting means more than it does here.
func (r *Repository) mayDelete() error {
	if fi, err := os.Lstat(r.Dir); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		return ErrLinked
	}
	for _, key := range []string{"annex.secure-erase-command", "annex.thawcontent-command", "annex.freezecontent-command"} {
		if !r.own && r.Git.Config.Get(key) != "" {
			return errs.WithHint(fmt.Errorf("%s is set in %s, and commands of other repositories are not run", key, r.Git.WorkTree), "use git-annex there")
		}
	}
	return nil
}

// recordGone corrects a log that claims what is not there.
func (r *Repository) recordGone(ctx context.Context, k annexkey.Key) error {
	data, err := r.Annex.ReadLog(ctx, annexlog.LocationPath(k))
	if err != nil {
		return err
	}
	for _, uuid := range annexlog.ParsePresence(data).Present() {
		if uuid == r.Annex.UUID {
			return r.record(ctx, k, annexlog.StatusAbsent)
		}
	}
	return nil
}
