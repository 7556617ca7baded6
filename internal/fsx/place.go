package fsx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// place is where a file is to be.
type place struct {
	tmpDir string // takes the unfinished file; "" or another file system: beside path
	path   string
	dir    *Folder // if not nil: the folder that it is in, whatever path leads to now
}

// in is the place of a name in the folder.
func (f *Folder) in(name, tmpDir string) place {
	return place{tmpDir, filepath.Join(f.path, name), f}
}

// Symlink is ReplaceWithSymlinkVia for a name in the folder.
func (f *Folder) Symlink(tmpDir, name, target string) error {
	return replaceWithSymlink(f.in(name, tmpDir), target)
}

// WriteFile is WriteFileVia for a name in the folder.
func (f *Folder) WriteFile(tmpDir, name string, data []byte, perm fs.FileMode) error {
	return writeFile(f.in(name, tmpDir), data, perm)
}

// Copy is Copy, of that package, to a name in the folder.
func (f *Folder) Copy(ctx context.Context, name, src string, opt CopyOptions) (CopyResult, error) {
	res, err := copyFile(ctx, f.in(name, opt.TempDir), src, opt)
	if err != nil {
		return CopyResult{}, fmt.Errorf("copy %s to %s: %w", src, filepath.Join(f.path, name), err)
	}
	return res, nil
}

// fill lets fill make a file under a temporary name, in tmpDir where that is
// possible, and renames it to its place. fill must leave nothing when it fails.
func (p place) fill(fill func(tmp string) error) error {
	if p.tmpDir != "" {
		temp := func() string { return filepath.Join(p.tmpDir, filepath.Base(tempBeside(p.path))) }
		err := p.fillAndRename(temp(), fill)
		if errors.Is(err, fs.ErrNotExist) && makeTemp(p.tmpDir) == nil {
			err = p.fillAndRename(temp(), fill)
		}
		if !errors.Is(err, syscall.EXDEV) {
			return err
		}
	}
	return p.fillAndRename(tempBeside(p.path), fill)
}

func (p place) fillAndRename(tmp string, fill func(tmp string) error) error {
	if err := fill(tmp); err != nil {
		return err
	}
	if err := p.take(tmp); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}

// take gives a finished file its name.
func (p place) take(tmp string) error {
	if p.dir == nil {
		return Rename(tmp, p.path)
	}
	return p.dir.Take(tmp, filepath.Base(p.path))
}
