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
// It is a check and no lock: it guards against what a repository contains. Against
// somebody who exchanges folders at the same time, do what is to be done in an
// open Folder.
func Beneath(root, rel string) error { return NewGuard(root).Beneath(rel) }

// Guard is Beneath for many paths below one root: each folder on the way is
// looked at once. It is not safe for concurrent use.
type Guard struct {
	root    string
	folders map[string]bool // by path below root: known to be folders
}

// NewGuard returns a guard that knows nothing yet.
func NewGuard(root string) *Guard { return &Guard{root, map[string]bool{}} }

// Folder notes that Lstat has just found a folder at dir, relative to root.
func (g *Guard) Folder(dir string) { g.folders[dir] = true }

// Beneath is the function of that name.
func (g *Guard) Beneath(rel string) error {
	root := g.root
	if rel == "" || strings.ContainsRune(rel, 0) || !filepath.IsLocal(filepath.FromSlash(rel)) {
		return &EscapeError{root, rel, "it is not a plain relative path"}
	}
	clean := filepath.ToSlash(filepath.Clean(rel))
	for i, c := range clean {
		if c != '/' || g.folders[clean[:i]] {
			continue
		}
		dir := filepath.Join(root, filepath.FromSlash(clean[:i]))
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
		g.folders[clean[:i]] = true
	}
	return nil
}
