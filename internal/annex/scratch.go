package annex

import (
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
)

// Scratch is git-annex's folder for unfinished files, annex/othertmp. Whoever uses
// it shares its lock; who has that lock alone may remove what is there, for the
// dead have left it. It is safe for concurrent use.
type Scratch struct {
	dir  string
	lock *fsx.FileLock
}

// Scratch begins to use the folder.
func (a *Annex) Scratch(ctx context.Context) (*Scratch, error) {
	lock, err := fsx.LockFile(ctx, a.Dir("othertmp.lck"), false)
	if err != nil {
		return nil, err
	}
	s := &Scratch{a.Dir("othertmp"), lock}
	if err := a.Repo.MakeShared(s.dir); err != nil {
		lock.Unlock()
		return nil, err
	}
	return s, nil
}

// ScratchAlone begins to use the folder if nobody else does; else the error is
// fsx.ErrLocked. Others wait until it is closed.
func (a *Annex) ScratchAlone() (*Scratch, error) {
	lock, err := fsx.TryLockFile(a.Dir("othertmp.lck"), true)
	if err != nil {
		return nil, err
	}
	return &Scratch{a.Dir("othertmp"), lock}, nil
}

// Stat is the folder itself.
func (s *Scratch) Stat() (fs.FileInfo, error) { return os.Stat(s.dir) }

// Path returns a fresh name in the folder.
func (s *Scratch) Path() string {
	return filepath.Join(s.dir, fsx.TempPrefix+strings.ToLower(rand.Text()[:16]))
}

// Close ends the use. What killed processes have left goes, unless somebody else
// uses the folder.
func (s *Scratch) Close() {
	defer s.lock.Unlock()
	left, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	alone := false
	for _, e := range left {
		if !strings.HasPrefix(e.Name(), fsx.TempPrefix) {
			continue
		}
		if alone = alone || s.lock.TryExclusive(); !alone {
			return
		}
		os.Remove(filepath.Join(s.dir, e.Name()))
	}
}
