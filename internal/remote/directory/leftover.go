package directory

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
)

// leftoverAge is how old an unfinished folder must be to belong to a process
// that was killed.
const leftoverAge = 7 * 24 * time.Hour

// sweepLeftovers removes what killed processes left below tmp.
func (r *Remote) sweepLeftovers() {
	entries, _ := os.ReadDir(filepath.Join(r.dir, "tmp"))
	for _, e := range entries {
		fi, err := e.Info()
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), fsx.TempPrefix) && time.Since(fi.ModTime()) > leftoverAge {
			discard(filepath.Join(r.dir, "tmp", e.Name()))
		}
	}
}

// idleAge is how long nobody must have written to what a transfer of git-annex has
// left of a key for it to be killed: it writes all the time.
const idleAge = time.Hour

// sweepKey removes what a killed transfer of git-annex has left of a key that has
// been stored since. It lies in a folder named after the key, below tmp, where
// git-annex itself would begin anew.
func (r *Remote) sweepKey(k annexkey.Key) {
	dir := filepath.Join(r.dir, "tmp", k.File())
	if _, err := os.Lstat(dir); err != nil {
		return
	}
	idle := true
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		idle = idle && time.Since(fi.ModTime()) > idleAge
		return nil
	})
	if err == nil && idle {
		discard(dir)
	}
}
