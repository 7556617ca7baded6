package dataset

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// indexWait is how long another git command may keep the index locked.
const indexWait = 30 * time.Second

// indexEdit changes an entry that must still have the id it had.
type indexEdit struct {
	gitindex.Edit
	was gitobj.OID
}

// updateIndex applies the edits to entries that nobody changed meanwhile. If
// the index stays locked, whoever comes next is asked to do it.
func (d *Dataset) updateIndex(ctx context.Context, edits []indexEdit) error {
	err := d.editIndex(ctx, edits, indexWait)
	if errors.As(err, new(*git.IndexLockedError)) {
		return d.restageLater(ctx, edits, nil, err)
	}
	return err
}

// editIndex is updateIndex that waits for a locked index and then fails.
func (d *Dataset) editIndex(ctx context.Context, edits []indexEdit, wait time.Duration) error {
	if len(edits) == 0 {
		return nil
	}
	lock, err := d.Repo.NewIndexLock()
	if err != nil {
		return err
	}
	defer lock.Abort()
	if err := lock.Take(ctx, wait); err != nil {
		return err
	}
	index, err := d.Repo.ReadIndex()
	if err != nil && !errors.Is(err, gitindex.ErrUnsupported) {
		return err
	}
	var kept []gitindex.Edit
	for _, e := range edits {
		if index != nil && e.was != "" {
			if now, ok := index.Lookup(e.Path); !ok || now.OID != e.was {
				continue
			}
		}
		fi, err := os.Lstat(d.Repo.Path(e.Path))
		if err != nil || gitindex.StatOf(fi) != e.Edit.Stat {
			e.Stat = gitindex.Stat{} // written to since: git has to compare
		}
		kept = append(kept, e.Edit)
	}
	if err := lock.Write(ctx, kept); err != nil {
		return err
	}
	return lock.Commit()
}

// restageLater leaves the edits to who comes next, by git-annex's log, which has
// the lines noted already. Only those whose blob stays the same can be left.
func (d *Dataset) restageLater(ctx context.Context, edits []indexEdit, noted []string, cause error) error {
	known := make(map[string]bool, len(noted))
	for _, line := range noted {
		known[line] = true
	}
	var lines []string
	for _, e := range edits {
		if e.was != e.OID || e.Remove {
			return cause
		}
		fi, err := os.Lstat(d.Repo.Path(e.Path))
		if err != nil {
			continue
		}
		if line, ok := annex.RestageLine(fi, e.Path); ok && !known[line] {
			lines = append(lines, line)
		}
	}
	return d.Annex.NoteRestage(ctx, lines)
}
