package git

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fastImportKeep is what fast-import writes into the .keep files that protect
// its packs until it ends.
const fastImportKeep = "fast-import"

// clearKeepFiles removes the .keep files that killed fast-imports left without a
// readable pack. The next one would fail where it is to write the same objects
// again, as when a command that was killed is repeated.
func (r *Repo) clearKeepFiles() error {
	dir := filepath.Join(r.CommonDir, "objects", "pack")
	f, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		pack, ok := strings.CutSuffix(name, ".keep")
		if !ok {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, pack+".idx")); err == nil {
			continue
		}
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && string(text) == fastImportKeep {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
