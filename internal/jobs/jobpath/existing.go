package jobpath

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/iospec"
)

// Existing keeps the paths that are there below root.
func Existing(root string, paths []string) (there []string) {
	for _, p := range paths {
		if _, err := os.Lstat(filepath.Join(root, filepath.FromSlash(p))); err == nil {
			there = append(there, p)
		}
	}
	return there
}

// OutputsAt returns the paths, relative to root, that a recorded output stands
// for: the path itself, there or not, or what a pattern matches; of an array
// the outputs of tasks that are there.
func OutputsAt(root, text string) ([]string, error) {
	if HasTask(text) {
		return existingTasks(root, text)
	}
	if clean := filepath.ToSlash(filepath.Clean(text)); !strings.ContainsAny(text, Magic) && filepath.IsLocal(clean) {
		return []string{clean}, nil
	}
	spec, err := Canonical(root, root, text)
	if err != nil {
		return nil, err
	}
	if spec.Outside {
		return nil, &fsx.EscapeError{Root: root, Rel: text, Why: "it leads out of the dataset"}
	}
	if !spec.Wild() {
		return []string{spec.Fixed}, nil
	}
	g := iospec.New([]string{spec.Pattern}, root)
	found := g.ExpandStrict()
	for i, p := range found {
		found[i] = filepath.ToSlash(filepath.Clean(p))
	}
	return found, g.Err()
}
