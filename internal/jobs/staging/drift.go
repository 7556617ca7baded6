package staging

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/jobs/fileid"
	"github.com/stemma-data/stemma/internal/pointer"
)

// driftTold is how many files a warning names.
const driftTold = 5

// warnDrift says which files are another version in the work tree: their user
// may expect the job to see that one.
func (s *Staging) warnDrift(ctx context.Context) error {
	var mu sync.Mutex
	var list []string
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8 * runtime.NumCPU())
	converted := map[string]bool{}
	for _, rel := range s.convert {
		converted[rel] = true
	}
	id := &fileid.Identifier{Top: s.Work.Top, Format: s.Dataset.Repo.Format}
	for rel, e := range s.entries {
		if converted[rel] {
			continue
		}
		g.Go(func() error {
			differs, err := s.differs(ctx, id, rel, e)
			if err == nil && differs {
				mu.Lock()
				list = append(list, rel)
				mu.Unlock()
			}
			return err
		})
	}
	if err := g.Wait(); err != nil || len(list) == 0 {
		return err
	}
	slices.Sort(list)
	names := strings.Join(list[:min(len(list), driftTold)], ", ")
	if len(list) > driftTold {
		names += fmt.Sprintf(" and %d more", len(list)-driftTold)
	}
	s.Dataset.Env.Log.Warn(fmt.Sprintf("%s: the work tree has another version than the commit %s; the job sees the committed one", names, s.Base.Short()))
	return nil
}

// differs compares a file of the work tree with the commit. A large file of the
// same size, or an unlocked one, is taken to be the same.
func (s *Staging) differs(ctx context.Context, id *fileid.Identifier, rel string, e git.TreeEntry) (bool, error) {
	file := filepath.Join(s.Work.Top, filepath.FromSlash(rel))
	fi, err := os.Lstat(file)
	if err != nil {
		return true, nil
	}
	key, annexed := s.keys[rel]
	switch {
	case fi.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(file)
		have, isKey := pointer.ParseLink(target)
		if annexed {
			return !isKey || have != key, err
		}
		return id.Format.HashObject("blob", []byte(target)) != e.OID, err
	case !fi.Mode().IsRegular() || e.Mode == gitobj.ModeSymlink && !annexed:
		return true, nil
	case annexed:
		return key.Size >= 0 && fi.Size() != key.Size && fi.Size() > pointer.MaxSize, nil
	case fi.Size() > fileid.HashLimit:
		return false, nil
	}
	oid, err := id.Hash(ctx, file)
	return oid != e.OID, err
}
