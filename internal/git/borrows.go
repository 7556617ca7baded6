package git

import (
	"os"
	"path/filepath"
)

// BorrowsObjects reports whether the repository has no object of its own and
// takes all from another one, as after `git clone --shared`.
func (r *Repo) BorrowsObjects() bool {
	dir := filepath.Join(r.CommonDir, "objects")
	if fi, err := os.Stat(filepath.Join(dir, "info", "alternates")); err != nil || !fi.Mode().IsRegular() {
		return false
	}
	folders, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, f := range folders {
		if f.Name() == "info" {
			continue
		}
		if inside, err := os.ReadDir(filepath.Join(dir, f.Name())); err != nil || len(inside) > 0 {
			return false
		}
	}
	return true
}
