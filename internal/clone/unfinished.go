package clone

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
)

// mark begins a clone in the git folder: a file there holds the address of the
// source until the clone is complete. What a killed process leaves can so be told
// from a clone, and is gone on with.
func mark(gitDir, address string) error {
	return os.WriteFile(filepath.Join(gitDir, dataset.UnfinishedClone), []byte(address+"\n"), 0o666)
}

// complete says that the clone is.
func (j *job) complete() {
	os.Remove(filepath.Join(j.dest, ".git", dataset.UnfinishedClone))
	j.release()
}

// alone keeps other processes from cloning into the same place until release is
// called; false if one is at it. Where nothing can be locked, what is there is left
// alone, and git's own refusal to clone into a folder with files has to do.
//
// The lock lies in the git folder of the repository around the place, where a killed
// process leaves nothing that git status would show, or else beside it.
func (j *job) alone() bool {
	place := j.place()
	sum := sha256.Sum256([]byte(place))
	name := fmt.Sprintf("%scloning-%x", fsx.TempPrefix, sum[:8])
	if around, ok := git.Around(filepath.Dir(place)); ok {
		if free, locked := j.tryLock(filepath.Join(around, name)); locked || !free {
			return free
		}
	}
	parent := filepath.Dir(place)
	for dir := parent; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			break
		}
		j.made = append(j.made, dir)
	}
	if os.MkdirAll(parent, 0o777) != nil {
		return true
	}
	free, _ := j.tryLock(filepath.Join(parent, name))
	return free
}

// tryLock reports whether no other process has the lock, and whether this one has
// it now.
func (j *job) tryLock(path string) (free, locked bool) {
	lock, err := fsx.TryLockFile(path, true)
	if err == nil {
		j.lock = lock
	}
	return !errors.Is(err, fsx.ErrLocked), err == nil
}

// place is where the clone will be, as far as that is there without symlinks.
func (j *job) place() string {
	for dir := filepath.Dir(j.dest); ; dir = filepath.Dir(dir) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, strings.TrimPrefix(j.dest, dir))
		}
		if dir == filepath.Dir(dir) {
			return j.dest
		}
	}
}

// release lets other processes clone into the place.
func (j *job) release() {
	if j.lock != nil {
		os.Remove(j.lock.Path())
		j.lock.Unlock()
	}
	for _, dir := range j.made { // unless something is in them now
		if os.Remove(dir) != nil {
			return
		}
	}
}

// clearLeftovers removes git folders that killed processes did not complete, and
// returns what else is in the clone's place.
func (j *job) clearLeftovers(entries []os.DirEntry) (others []os.DirEntry, err error) {
	if j.lock == nil {
		return entries, nil
	}
	for _, e := range entries {
		if !git.IsUnfinished(e.Name()) {
			others = append(others, e)
		} else if err := os.RemoveAll(filepath.Join(j.dest, e.Name())); err != nil {
			return nil, err
		}
	}
	return others, nil
}

// resume finds out whether the clone's place holds one that a killed process has
// begun, and from which of the sources.
func (j *job) resume(candidates []Source) (src Source, ok bool, err error) {
	if j.lock == nil {
		return src, false, nil
	}
	gitDir := filepath.Join(j.dest, ".git")
	text, err := os.ReadFile(filepath.Join(gitDir, dataset.UnfinishedClone))
	if err != nil {
		return src, false, nil // most often there is nothing; what else is there is looked at later
	}
	at := slices.IndexFunc(candidates, func(c Source) bool { return c.GitURL == strings.TrimSuffix(string(text), "\n") })
	if at < 0 {
		return src, false, nil
	}
	if err := os.Remove(filepath.Join(gitDir, "config.lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return src, false, err // nobody else writes here
	}
	_, err = os.Lstat(filepath.Join(gitDir, "index"))
	j.existed, j.resumed, j.noFiles = true, true, errors.Is(err, os.ErrNotExist)
	return candidates[at], true, nil
}
