package git

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/stemma-data/stemma/internal/errs"
)

// AppendConfig adds text to the repository's own configuration file, under
// git's lock for it, and takes it into r.Config.
func (r *Repo) AppendConfig(text string) error {
	added, err := ParseConfigFile(text)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	path := filepath.Join(r.CommonDir, "config")
	lock := path + ".lock"
	f, err := os.OpenFile(lock, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return errs.WithHint(fmt.Errorf("write configuration: %w", err), "if no other git command is running, remove %s", lock)
	}
	if err := errors.Join(copyPlus(f, path, text), r.shareFile(f), f.Sync(), f.Close()); err != nil {
		os.Remove(lock)
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.Rename(lock, path); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	r.Config = r.Config.with(added)
	return nil
}

// copyPlus writes the old file, which may be missing, and the added text.
func copyPlus(f *os.File, path, text string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if n := len(old); n > 0 && old[n-1] != '\n' {
		old = append(old, '\n')
	}
	_, err = f.Write(append(old, text...))
	return err
}

// with returns c with the values of other added as the strongest local ones.
func (c *Config) with(other *Config) *Config {
	out := NewConfig()
	out.sawLocal, out.outer = true, c.outer
	for _, src := range []*Config{c, other} {
		out.settings = append(out.settings, src.settings...)
	}
	return out
}
