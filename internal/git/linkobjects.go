package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
)

// linkTries is how often a folder is listed again because what was in it has
// gone meanwhile: packs are joined while others read.
const linkTries = 10

// linkObjects makes hard links of all objects from one objects folder in
// another, new one. Unfinished files are left out. Everything but plain files
// in the folders that git makes is an error.
func linkObjects(ctx context.Context, from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "incoming-") || strings.HasPrefix(name, "tmp_") || strings.HasPrefix(name, fsx.TempPrefix):
			continue // of somebody who is still at work
		case !e.IsDir() || !isObjectFolder(name):
			return errOnlyGit
		}
		dir := filepath.Join(to, name)
		if err := os.Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := linkFolder(ctx, filepath.Join(from, name), dir); err != nil {
			return err
		}
	}
	return nil
}

func isObjectFolder(name string) bool {
	return name == "pack" || name == "info" || len(name) == 2 && strings.Trim(name, "0123456789abcdef") == ""
}

// linkFolder links the files of one folder. When one has gone, the folder is
// listed again: what took its place was there before.
func linkFolder(ctx context.Context, from, to string) error {
	for range linkTries {
		entries, err := os.ReadDir(from)
		if err != nil {
			return err
		}
		gone := false
		for _, e := range packsFirst(entries) {
			name := e.Name()
			if unfinishedObject(name) {
				continue
			}
			if !e.Type().IsRegular() {
				return errOnlyGit
			}
			err := linkFile(filepath.Join(from, name), filepath.Join(to, name))
			if base, ok := strings.CutSuffix(name, ".idx"); ok && err == nil {
				if _, err = os.Lstat(filepath.Join(to, base+".pack")); err != nil {
					os.Remove(filepath.Join(to, name))
				}
			}
			if gone = gone || errors.Is(err, fs.ErrNotExist); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if err := ctx.Err(); err != nil || !gone {
			return err
		}
	}
	return errOnlyGit
}

// packsFirst puts indexes behind what they are of: git takes a pack for there
// once its index is.
func packsFirst(entries []fs.DirEntry) []fs.DirEntry {
	var indexes, others []fs.DirEntry
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".idx") {
			indexes = append(indexes, e)
		} else {
			others = append(others, e)
		}
	}
	return append(others, indexes...)
}

func unfinishedObject(name string) bool {
	return strings.HasPrefix(name, "tmp_") || strings.HasPrefix(name, ".tmp-") || strings.HasPrefix(name, fsx.TempPrefix) || strings.HasSuffix(name, ".lock")
}

// linkFile makes a hard link; one that is there already is kept. A symbolic link
// that took the file's place since is no object.
func linkFile(from, to string) error {
	if err := os.Link(from, to); errors.Is(err, fs.ErrExist) {
		return nil
	} else if err != nil {
		return err
	}
	fi, err := os.Lstat(to)
	if err != nil || !fi.Mode().IsRegular() {
		return errors.Join(err, errOnlyGit)
	}
	return nil
}
