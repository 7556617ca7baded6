package fsx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// EscapeError says that a path named by a repository would leave its root.
type EscapeError struct {
	Root, Rel string
	Why       string // for people
}

func (e *EscapeError) Error() string {
	return fmt.Sprintf("path %q leaves %s: %s", e.Rel, e.Root, e.Why)
}

// Beneath checks that writing to rel (with slashes) below root changes nothing
// outside root: rel is relative, has no "..", and none of its parent folders
// is a symlink or another non-folder. The last element itself may be a symlink,
// because this package replaces links and does not follow them. Parents that do
// not exist yet are fine. The error is an *EscapeError, or an error of Lstat.
//
// It is a check and no lock: it guards against what a repository contains, not
// against a local process that swaps folders at the same time.
func Beneath(root, rel string) error {
	if rel == "" || strings.ContainsRune(rel, 0) || !filepath.IsLocal(filepath.FromSlash(rel)) {
		return &EscapeError{root, rel, "it is not a plain relative path"}
	}
	parts := strings.Split(filepath.ToSlash(filepath.Clean(rel)), "/")
	dir := root
	for _, p := range parts[:len(parts)-1] {
		dir = filepath.Join(dir, p)
		fi, err := os.Lstat(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("check path %q: %w", rel, err)
		}
		if !fi.IsDir() {
			return &EscapeError{root, rel, dir + " is not a folder"}
		}
	}
	return nil
}
