package git

import (
	"fmt"
	"path/filepath"
	"strings"
)

// AppendConfig adds text to the repository's own configuration file, under
// git's lock for it, and takes it into r.Config.
func (r *Repo) AppendConfig(text string) error {
	added, err := ParseConfigFile(text)
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	err = replaceConfig(filepath.Join(r.CommonDir, "config"), r.CommonDir, r.shareFile, func(old string) (string, error) {
		if old != "" && !strings.HasSuffix(old, "\n") {
			old += "\n"
		}
		return old + text, nil
	})
	if err != nil {
		return err
	}
	r.Config = r.Config.with(added)
	return nil
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
