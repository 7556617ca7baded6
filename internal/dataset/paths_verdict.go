package dataset

import (
	"context"
	"io/fs"
	"slices"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// This file is what becomes of named paths once all have been looked at.

// dropIgnored leaves out what a folder holds beside its results: files that
// .gitignore names. A file that was declared itself is kept.
func (w *walk) dropIgnored(ctx context.Context) error {
	if len(w.found) == 0 {
		return nil
	}
	ignored, err := w.d.Repo.Ignored(ctx, w.found, true)
	if err != nil {
		return err
	}
	kept := w.changes[:0]
	for _, c := range w.changes {
		if !ignored[c.Path] {
			kept = append(kept, c)
		}
	}
	w.changes = kept
	return nil
}

// maybeSame reports whether only reading a file tells that it changed.
func (w *walk) maybeSame(e gitindex.Entry, fi fs.FileInfo) bool {
	if e.Stage != 0 || e.IntentToAdd || !e.Mode.IsRegular() || w.d.modeChanged(e.Mode, fi.Mode()) {
		return false
	}
	return e.Stat.Size == 0 || e.Stat.Size == gitindex.StatOf(fi).Size
}

// forgive drops files whose time alone is another one than in the index.
func (w *walk) forgive(ctx context.Context) error {
	same := make([]bool, len(w.changes))
	err := sideBySide(ctx, len(w.changes), func(ctx context.Context, i int) (err error) {
		if c := w.changes[i]; c.touched {
			same[i], err = w.d.sameAsIndex(ctx, c)
		}
		return err
	})
	if err != nil {
		return err
	}
	kept := w.changes[:0]
	for i, c := range w.changes {
		if same[i] {
			w.clean = append(w.clean, commit.File{Path: c.Path, Mode: c.Mode, OID: c.OID, Stat: gitindex.StatOf(c.info)})
		} else {
			kept = append(kept, c)
		}
	}
	w.changes = kept
	return nil
}

// sameAsIndex reads a file that may be what the index has.
func (d *Dataset) sameAsIndex(ctx context.Context, c Change) (bool, error) {
	if d.Annex != nil {
		key, annexed, err := d.pointerKey(ctx, c.OID)
		if err != nil {
			return false, err
		}
		if annexed && c.info.Size() == key.Size {
			v, err := d.hasKey(ctx, d.Repo.Path(c.Path), key)
			return v == same, err
		}
	}
	id, err := d.hashWorkTree(ctx, c.Path, c.info)
	return id == c.OID, err
}

// lockAgain finds unmodified files that are staged as unlocked ones while the last
// commit has links: they are locked again, as where the whole dataset is saved.
func (w *walk) lockAgain(ctx context.Context) error {
	if w.d.Annex == nil || !slices.ContainsFunc(w.clean, func(f commit.File) bool { return f.Mode.IsRegular() }) {
		return nil
	}
	head, err := w.d.Repo.Head(ctx)
	if err != nil {
		return err
	}
	view := w.d.Repo.View(head.OID)
	kept := w.clean[:0]
	for _, f := range w.clean {
		c := Change{Path: f.Path, Type: result.File, Mode: f.Mode, OID: f.OID}
		staged := false
		if f.Mode.IsRegular() {
			e, _, err := view.Lookup(ctx, f.Path)
			if err != nil {
				return err
			}
			if c.Prev, c.PrevMode = e.OID, e.Mode; e.Mode == gitobj.ModeSymlink {
				if _, staged, err = w.d.pointerKey(ctx, f.OID); err != nil {
					return err
				}
			}
		}
		if staged {
			c.describe()
			w.changes = append(w.changes, c)
		} else {
			kept = append(kept, f)
		}
	}
	w.clean = kept
	return nil
}
