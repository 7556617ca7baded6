package clone

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
)

// unfinished is the mark of a clone that is still being made: a file in its git
// folder that holds the address of the source, locked by whoever makes it. What
// a killed process leaves can so be told from a clone, and is gone on with.
type unfinished struct {
	path string
	lock *fsx.FileLock // nil where the file system has no locks
}

// mark begins a clone in the git folder.
func mark(gitDir, address string) (*unfinished, error) {
	path := filepath.Join(gitDir, dataset.UnfinishedClone)
	if err := os.WriteFile(path, []byte(address+"\n"), 0o666); err != nil {
		return nil, err
	}
	lock, _ := fsx.TryLockFile(path, true)
	return &unfinished{path, lock}, nil
}

// takeOver locks the mark that a killed process has left in a git folder, and
// returns it with the source's address; nil where there is none.
func takeOver(gitDir string) (*unfinished, string, error) {
	path := filepath.Join(gitDir, dataset.UnfinishedClone)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, "", nil // most often there is nothing; what else is there is looked at later
	}
	lock, err := fsx.TryLockFile(path, true)
	if err != nil {
		return nil, "", fmt.Errorf("a clone was begun in %s and not finished: %w", filepath.Dir(gitDir), err)
	}
	if err := os.Remove(filepath.Join(gitDir, "config.lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		lock.Unlock()
		return nil, "", err // nobody else writes here
	}
	return &unfinished{path, lock}, strings.TrimSuffix(string(text), "\n"), nil
}

// moved says that the git folder has got its place.
func (u *unfinished) moved(gitDir string) {
	u.path = filepath.Join(gitDir, dataset.UnfinishedClone)
}

// end takes the mark away: the clone is complete, or gone.
func (u *unfinished) end() {
	if u != nil {
		os.Remove(u.path)
		u.leave()
	}
}

// leave gives the lock back, but the mark stays.
func (u *unfinished) leave() {
	if u != nil && u.lock != nil {
		u.lock.Unlock()
	}
}

// errBusy refuses a place where another process is at work.
func errBusy(dest string) error {
	return errs.WithHint(fmt.Errorf("another process is cloning into %s", dest), "wait for it")
}

// clearLeftovers removes git folders that killed processes did not complete, and
// returns what else is in the clone's place.
func (j *job) clearLeftovers(entries []os.DirEntry) (others []os.DirEntry, err error) {
	for _, e := range entries {
		if !git.IsUnfinished(e.Name()) {
			others = append(others, e)
			continue
		}
		dir := filepath.Join(j.dest, e.Name())
		lock, err := fsx.TryLockFile(filepath.Join(dir, dataset.UnfinishedClone), true)
		switch {
		case errors.Is(err, fsx.ErrLocked):
			return nil, errBusy(j.dest)
		case errors.Is(err, os.ErrNotExist):
			continue
		case err != nil:
			return nil, err
		}
		err = os.RemoveAll(dir)
		lock.Unlock()
		if err != nil {
			return nil, err
		}
	}
	return others, nil
}

// resume finds out whether the clone's place holds one that a killed process has
// begun, and from which of the sources.
func (j *job) resume(candidates []Source) (src Source, ok bool, err error) {
	u, address, err := takeOver(filepath.Join(j.dest, ".git"))
	if errors.Is(err, fsx.ErrLocked) {
		return src, false, errBusy(j.dest)
	}
	if u == nil || err != nil {
		return src, false, err
	}
	for _, c := range candidates {
		if c.GitURL == address {
			j.begun, j.existed = u, true
			_, err := os.Lstat(filepath.Join(j.dest, ".git", "index"))
			j.noFiles, j.resumed = errors.Is(err, os.ErrNotExist), true
			return c, true, nil
		}
	}
	u.leave()
	return src, false, nil
}
