package fsx

import (
	"context"
	"io/fs"
	"path"
)

// What follows does to the file rel (with slashes) below root what the function
// without Below does to a path. No symlink on the way from root is followed,
// whatever others do to the folders there meanwhile; see OpenFolder.

// CopyBelow is Copy. Folders that are missing are made.
func CopyBelow(ctx context.Context, root, rel, src string, opt CopyOptions) (res CopyResult, err error) {
	err = inFolder(MakeFolder, root, rel, func(dir *Folder, name string) error {
		res, err = dir.Copy(ctx, name, src, opt)
		return err
	})
	return res, err
}

// WriteFileBelow is WriteFileVia.
func WriteFileBelow(root, rel, tmpDir string, data []byte, perm fs.FileMode) error {
	return inFolder(OpenFolder, root, rel, func(dir *Folder, name string) error { return dir.WriteFile(tmpDir, name, data, perm) })
}

// RenameBelow is Rename of a file from elsewhere. Folders that are missing are
// made.
func RenameBelow(root, rel, from string) error {
	return inFolder(MakeFolder, root, rel, func(dir *Folder, name string) error { return dir.Take(from, name) })
}

// RemoveBelow is os.Remove of a file.
func RemoveBelow(root, rel string) error {
	return inFolder(OpenFolder, root, rel, func(dir *Folder, name string) error { return dir.Remove(name) })
}

func inFolder(open func(root, rel string) (*Folder, error), root, rel string, use func(dir *Folder, name string) error) error {
	dir, err := open(root, path.Dir(rel))
	if err != nil {
		return err
	}
	defer dir.Close()
	return use(dir, path.Base(rel))
}
