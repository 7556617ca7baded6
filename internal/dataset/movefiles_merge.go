package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// MergeFiles runs what lets git merge in the work tree, where it will stop at
// conflicts; to is the tree with what git will write into the files. If git dies
// on the way, ResumeMove brings the files of before back; if it stops, all that it
// leaves is the user's.
func (d *Dataset) MergeFiles(ctx context.Context, from, to gitobj.OID, run func() error) error {
	if err := d.noteMove(move{From: from, To: to, Merge: true}); err != nil {
		return err
	}
	err := run()
	if err == nil || ctx.Err() == nil && (Declined(err) || d.isMerging()) {
		err = errors.Join(err, os.Remove(d.moveNote()))
	}
	return err
}

// isMerging reports whether git has stopped in a merge, with all that the commit
// of it needs.
func (d *Dataset) isMerging() bool {
	for _, name := range []string{"MERGE_HEAD", "MERGE_MODE", "MERGE_MSG"} {
		fi, err := os.Stat(filepath.Join(d.Repo.GitDir, name))
		if err != nil || fi.Size() == 0 && name != "MERGE_MODE" {
			return false
		}
	}
	return true
}

// undoMerge makes up for a merge that died before it stopped at its conflicts. What
// the user has changed since then stays.
func (d *Dataset) undoMerge(ctx context.Context, m move) error {
	names, err := d.awaitConflicts(ctx)
	if err != nil || d.isMerging() {
		return err
	}
	if len(names) > 0 {
		if same, err := d.areWritten(ctx, names, m); err != nil || !same {
			return err
		}
		if _, err := d.Repo.Output(ctx, "reset", "-q"); err != nil {
			return err
		}
	}
	return d.bringBack(ctx, m)
}

// awaitConflicts returns the conflicts in the index, when a git process that has
// outlived its parent has had time to write down that it merges.
func (d *Dataset) awaitConflicts(ctx context.Context) ([]string, error) {
	for end := time.Now().Add(lockPatience); ; {
		names, err := d.Unmerged(ctx)
		if err != nil || len(names) == 0 || d.isMerging() || time.Now().After(end) {
			return names, err
		}
		if err := wait(ctx, movePause); err != nil {
			return nil, err
		}
	}
}

// areWritten reports whether files are as git writes them where it merges.
func (d *Dataset) areWritten(ctx context.Context, names []string, m move) (bool, error) {
	changes, err := d.moved(ctx, m)
	if err != nil {
		return false, err
	}
	to := map[string]git.TreeEntry{}
	for _, c := range changes {
		to[c.Path] = c.To
	}
	before := d.Repo.View(m.From)
	for _, name := range names {
		e, changed := to[name]
		if !changed {
			if e, _, err = before.Lookup(ctx, name); err != nil {
				return false, err
			}
		}
		same, err := d.isWritten(ctx, name, e)
		if _, lerr := os.Lstat(d.Repo.Path(name)); e.OID == "" {
			same = errors.Is(lerr, fs.ErrNotExist)
		}
		if err != nil || !same && e.Mode != gitobj.ModeGitlink {
			return false, err
		}
	}
	return true, nil
}
