// Package siblings knows the other places of a dataset: git remotes and special
// remotes as git's configuration and the git-annex branch have them. It lists,
// adds, changes and removes them, and makes new ones, on this machine, behind
// ssh, in RIA stores and on hosting services. It moves no content.
package siblings

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
)

// Special is a special remote that the git-annex branch describes.
type Special struct {
	UUID   string            // of its configuration
	Name   string            // "" where none is recorded
	Config map[string]string // its line of remote.log
	stamp  string            // when that was written
}

// Specials lists the special remotes that the git-annex branch knows, by UUID.
func Specials(ctx context.Context, d *dataset.Dataset) ([]Special, error) {
	if d.Annex == nil {
		return nil, nil
	}
	data, err := d.Annex.ReadLog(ctx, annexlog.RemoteFile)
	if err != nil {
		return nil, err
	}
	var list []Special
	for _, e := range annexlog.ParseUUIDLog(data).Entries() {
		s := Special{UUID: e.Field, Config: annexlog.DecodeConfig(e.Value), stamp: e.Clock.String()}
		if s.Name = s.Config["name"]; s.Name == "" {
			s.Name = s.Config["sameas-name"]
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Special) int { return strings.Compare(a.UUID, b.UUID) })
	return list, nil
}

// Type is the special remote's type; for external ones that of the program.
func (s Special) Type() string {
	if t := s.Config["externaltype"]; s.Config["type"] == "external" && t != "" {
		return t
	}
	return s.Config["type"]
}

// Enabled reports whether a remote of git's configuration is this one.
func (s Special) Enabled(cfg *git.Config) bool { return s.remote(cfg) != "" }

// remote is the name of the remote in git's configuration, or "".
func (s Special) remote(cfg *git.Config) string {
	for _, name := range remoteNames(cfg) {
		id := cfg.Get("remote." + name + ".annex-config-uuid")
		if id == "" {
			id = cfg.Get("remote." + name + ".annex-uuid")
		}
		if id == s.UUID {
			return name
		}
	}
	return ""
}

// remoteNames lists the remotes that configuration mentions, in its order.
func remoteNames(cfg *git.Config) []string {
	var names []string
	for _, key := range cfg.Keys("remote.") {
		rest := strings.TrimPrefix(key, "remote.")
		dot := strings.LastIndexByte(rest, '.')
		if dot <= 0 || slices.Contains(names, rest[:dot]) {
			continue
		}
		names = append(names, rest[:dot])
	}
	return names
}

// CheckName refuses names that git could not use for a remote, or would take
// for something else.
func CheckName(name string) error {
	bad := name == "" || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/") ||
		strings.HasSuffix(name, ".lock") || strings.Contains(name, "..") || strings.Contains(name, "//") || strings.Contains(name, "@{")
	for _, c := range name {
		bad = bad || c <= ' ' || c == 0x7f || strings.ContainsRune(`~^:?*[\`, c)
	}
	for _, part := range strings.Split(name, "/") {
		bad = bad || strings.HasPrefix(part, ".") || strings.HasSuffix(part, ".lock")
	}
	if bad {
		return errs.WithHint(fmt.Errorf("%q is no valid name for a sibling", name), "use letters, digits, '-', '_' and '.'")
	}
	return nil
}

// CheckNewName refuses also the name that stands for the dataset itself.
func CheckNewName(name string) error {
	if name == Here {
		return errs.WithHint(fmt.Errorf("no sibling can be called %s: that is the dataset itself", Here), "give it another name: -s NAME")
	}
	return CheckName(name)
}
