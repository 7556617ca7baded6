//go:build !linux

package dataset

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/gitindex"
)

// looker asks for the state of many files of a work tree.
type looker struct{ top string }

func newLooker(top *os.File) *looker { return &looker{top.Name()} }

func openTop(dir string) (*os.File, error) { return os.Open(dir) }

func (l *looker) close() {}

// look returns the state of what is at rel; ok is false for whatever reason it
// cannot be told.
func (l *looker) look(rel, _ string) (st gitindex.Stat, mode fs.FileMode, ok bool) {
	fi, err := os.Lstat(filepath.Join(l.top, filepath.FromSlash(rel)))
	if err != nil {
		return st, 0, false
	}
	return gitindex.StatOf(fi), fi.Mode(), true
}
