package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// Outgrow is for a file that had a key and has other content by now; fi is its
// state. Where it was also the key's object (annex.thin), that is none any more:
// another unlocked file with the key's content takes its place. Else the content
// is lost, and the location log must say so.
func (d *Dataset) Outgrow(ctx context.Context, rel string, fi fs.FileInfo, old annexkey.Key) (lost bool, err error) {
	if annex.SingleLink(fi) {
		return false, nil
	}
	removed, err := d.Annex.Disown(old, fi)
	if err != nil || !removed {
		return false, err
	}
	files, _, err := d.unlockedFiles([]annexkey.Key{old})
	if err != nil {
		return true, fmt.Errorf("other files with the content that %s had: %w", rel, err)
	}
	for _, f := range files {
		if f.Path == rel {
			continue
		}
		kept, err := d.keepAgain(ctx, f)
		if err != nil {
			return true, fmt.Errorf("keep the content of %s: %w", f.Path, err)
		}
		if kept {
			return false, nil
		}
	}
	return true, nil
}

// keepAgain makes a file's content its key's object, if it is that content.
func (d *Dataset) keepAgain(ctx context.Context, f unlockedEntry) (bool, error) {
	path := d.Repo.Path(filepath.FromSlash(f.Path))
	fi, err := os.Lstat(path)
	if err != nil || !fi.Mode().IsRegular() || f.key.Size >= 0 && f.key.Size != fi.Size() || fsx.Beneath(d.Path(), f.Path) != nil {
		return false, nil
	}
	same, err := d.SameContent(ctx, path, f.key)
	if err != nil || !same {
		return false, err
	}
	err = d.Annex.KeepUnlocked(ctx, path, fi, f.key, d.Repo.Config.Bool("annex.thin", false))
	if errors.As(err, new(*annex.ChangedError)) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, d.Annex.SyncObjects([]annexkey.Key{f.key})
}

// outgrown is Outgrow for a change that is about to be stored as the key.
func (d *Dataset) outgrown(ctx context.Context, it *item, seen fs.FileInfo, key annexkey.Key) error {
	if it.OID == "" || !it.Mode.IsRegular() || annex.SingleLink(seen) {
		return nil
	}
	old, ok, err := d.pointerKey(ctx, it.OID)
	if err != nil || !ok || old == key {
		return err
	}
	lost, err := d.Outgrow(ctx, it.Path, seen, old)
	if lost {
		it.lost = old
	}
	return err
}
