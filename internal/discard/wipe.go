package discard

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/dataset"
)

// wipe deletes a dataset from the disk. Where it is registered in another one,
// an empty folder stays in its place, as git has it.
func wipe(ctx context.Context, d *dataset.Dataset) error {
	registered, err := isRegistered(ctx, d)
	if err != nil {
		return err
	}
	d.Repo.Close()
	if err := removeTree(d.Path()); err != nil {
		return err
	}
	if !registered {
		return nil
	}
	return os.Mkdir(d.Path(), 0o777)
}

// isRegistered reports whether the dataset above has this one in its index.
func isRegistered(ctx context.Context, d *dataset.Dataset) (bool, error) {
	super, err := dataset.Open(ctx, filepath.Dir(d.Path()), "find the superdataset", d.Env)
	var none *dataset.NoDatasetError
	if errors.As(err, &none) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer super.Close()
	rel, err := super.Rel(d.Path())
	if err != nil {
		return false, nil
	}
	e, ok, err := super.GitlinkAbove(rel)
	return ok && e.Path == rel, err
}

// removeTree deletes a folder in which git-annex has taken away the right to
// write. Links are not followed.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	walkErr := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() {
			return os.Chmod(path, 0o700)
		}
		return nil
	})
	return errors.Join(walkErr, os.RemoveAll(dir))
}
