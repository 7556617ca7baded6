package dataset

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/pointer"
)

// Settle lets the index know of unlocked files that a killed process has filled or
// emptied. It waits for nobody: while others are at work, or keep the index locked,
// a later command does it; so is it where this user may not.
func (d *Dataset) Settle(ctx context.Context) {
	if d.Annex == nil || !d.Annex.RestagePending() {
		return
	}
	alone, err := d.Annex.ScratchAlone()
	if err != nil {
		return
	}
	defer alone.Close()
	if err := d.tellIndex(ctx, 0, func() bool { return true }); err != nil {
		d.Env.Log.Debug("restage: " + err.Error())
	}
}

// Restage gives the index the present state of files that git-annex's restage.log
// names, if they are still as they were when they were noted. Others stay noted while
// somebody is at work, who may be about to rename them.
func (d *Dataset) Restage(ctx context.Context) error {
	return d.tellIndex(ctx, indexWait, d.nobodySwaps)
}

func (d *Dataset) nobodySwaps() bool {
	alone, err := d.Annex.ScratchAlone()
	if err == nil {
		alone.Close()
	}
	return err == nil
}

// tellIndex asks alone, once the notes are read, whether all are of those who have
// done their work.
func (d *Dataset) tellIndex(ctx context.Context, wait time.Duration, alone func() bool) error {
	lines, err := d.Annex.TakeRestage(ctx)
	if err != nil || len(lines) == 0 {
		return err
	}
	ended := alone()
	index, err := d.Repo.ReadIndex()
	if err != nil {
		return err
	}
	var edits []indexEdit
	var done []string
	for _, line := range lines {
		e, ok, err := d.restageEdit(ctx, index, line)
		if err != nil {
			return err
		}
		if ok {
			edits = append(edits, e)
		}
		if ok || ended {
			done = append(done, line)
		}
	}
	if err := d.editIndex(ctx, edits, wait); err != nil {
		return err
	}
	return d.Annex.EndRestage(ctx, done)
}

// restageEdit is what the index gets for a line of the log.
func (d *Dataset) restageEdit(ctx context.Context, index *gitindex.File, line string) (indexEdit, bool, error) {
	state, rel, ok := annex.ParseRestageLine(line)
	if !ok || fsx.Beneath(d.Path(), rel) != nil {
		return indexEdit{}, false, nil
	}
	e, ok := index.Lookup(rel)
	fi, err := os.Lstat(d.Repo.Path(filepath.FromSlash(rel)))
	if !ok || e.Stage != 0 || err != nil || !fi.Mode().IsRegular() || annex.InodeCache(fi) != state {
		return indexEdit{}, false, nil
	}
	key, isPointer, err := d.pointerKey(ctx, e.OID)
	if err != nil || !isPointer || e.Stat == gitindex.StatOf(fi) {
		return indexEdit{}, false, err
	}
	edit := indexEdit{gitindex.Edit{Path: rel, Mode: e.Mode, OID: e.OID}, e.OID}
	if _, k, emptied := readPointer(d.Repo.Path(filepath.FromSlash(rel))); emptied {
		edit.Stat = gitindex.StatOf(fi)
		return edit, k == key, nil
	}
	if !d.Annex.Has(key) {
		return edit, false, nil
	}
	if int(e.Stat.Size) == len(pointer.Format(key)) {
		// The entry is the one from before the file was filled, so that is the key it was filled with.
		edit.Stat = gitindex.StatOf(fi)
	} // else git has to compare
	return edit, true, nil
}
