package jobpath

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/errs"
)

// AltRoot returns the alternative folder without symlinks. It must exist.
func AltRoot(dir, cwd string) (string, error) {
	abs := dir
	if !filepath.IsAbs(abs) {
		abs = filepath.Join(cwd, abs)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err == nil {
		var fi fs.FileInfo
		if fi, err = os.Stat(real); err == nil && !fi.IsDir() {
			err = fs.ErrNotExist
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", errs.WithHint(fmt.Errorf("Alternative job directory '%s' doesn't exist", dir), "create it first") //nolint:staticcheck // DataLad's text
	}
	return real, err
}
