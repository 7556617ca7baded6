package finish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
)

// putBack makes the work tree what the checked out branch says, after results
// went to branches of their own: as if git had switched to those branches and
// back. New files go, and old ones are as they were. A file that changed since
// it was committed, and every folder, stays.
func (f *finishing) putBack(ctx context.Context, list []*over) error {
	index, err := f.d.Repo.ReadIndex()
	if errors.Is(err, gitindex.ErrUnsupported) {
		return nil // better too many files than too few
	}
	if err != nil {
		return fmt.Errorf("put the work tree back: %w", err)
	}
	var restore strings.Builder
	for _, o := range list {
		for _, file := range o.files {
			e, tracked := index.Lookup(file.Path)
			if tracked && e.OID == file.OID && e.Mode == file.Mode || !asCommitted(f.d.Repo.Path(file.Path), file) {
				continue
			}
			if tracked {
				restore.WriteString(file.Path + "\x00")
			} else if err := fsx.RemoveBelow(f.d.Path(), file.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("put the work tree back: %w", err)
			}
		}
	}
	if restore.Len() == 0 {
		return nil
	}
	if _, err := f.d.Repo.OutputWith(ctx, []byte(restore.String()), "checkout-index", "-f", "-q", "-z", "--stdin"); err != nil {
		return fmt.Errorf("put the work tree back: %w", err)
	}
	return nil
}

// asCommitted reports whether what is at path is what was committed.
func asCommitted(path string, file commit.File) bool {
	fi, err := os.Lstat(path)
	if file.Remove || err != nil {
		return file.Remove && errors.Is(err, fs.ErrNotExist)
	}
	if file.Stat != (gitindex.Stat{}) {
		return file.Stat.Same(gitindex.StatOf(fi), gitindex.Check{IgnoreCTime: true})
	}
	target, err := os.Readlink(path)
	return err == nil && file.OID == "" && target == string(file.Data)
}
