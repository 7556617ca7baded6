// Package clone brings datasets here: it understands the addresses that
// DataLad knows, clones with git, sets up the annex and the configuration that
// a clone needs, and obtains the subdatasets on the way to a path. What happens
// to the files of one dataset is the dataset package's business.
package clone

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/stemma-data/stemma/internal/ria"
)

// Settings is a configuration: git's, or that of a dataset.
type Settings interface {
	Config(key string) string
	ConfigKeys(prefix string) []string
}

// Kinds of sources, by DataLad's names.
const (
	kindGit     = "giturl"
	kindDataLad = "dataladri"
	kindRIA     = "ria"
)

// Source is a place to clone from.
type Source struct {
	Spec    string // as the user typed it
	Kind    string
	GitURL  string // what git gets to see
	Version string // branch or tag; "" for the default
	Name    string // of the folder, where none is given
	Store   string // kindRIA: the store's URL
}

// record is the source as DataLad reports it.
func (s Source) record() map[string]any {
	var version any
	if s.Version != "" {
		version = s.Version
	}
	return map[string]any{"source": s.Spec, "type": s.Kind, "giturl": s.GitURL, "version": version, "default_destpath": s.Name}
}

// defaultTop is where addresses that begin with "///" lead.
const defaultTop = "https://datasets.datalad.org/"

// decode reads the address of a dataset. Rewrite rules of git (url.X.insteadOf)
// are applied first, because git does not see RIA URLs.
func decode(spec string, rules *rules) (Source, error) {
	s := Source{Spec: spec, Kind: kindGit}
	text := rules.rewrite(spec)
	if strings.ContainsAny(text, "\n\r\x00") {
		return s, fmt.Errorf("address %q: has a line break in it", spec)
	}
	if ria.Is(text) {
		u, err := ria.Parse(text)
		if err != nil {
			return s, err
		}
		if u.Trace() == "" {
			return s, fmt.Errorf("RIA URL not recognized, no valid dataset ID or other supported scheme: %s", text)
		}
		s.Kind, s.GitURL, s.Version, s.Name, s.Store = kindRIA, u.Git(), u.Version, u.Name(), u.Store()
		return s, nil
	}
	s.GitURL = text
	if rest, ok := strings.CutPrefix(text, "///"); ok {
		s.Kind, s.GitURL = kindDataLad, strings.TrimSuffix(rules.top, "/")+"/"+rest
	}
	s.Name = folderName(s.GitURL)
	return s, nil
}

// folderName is the last part of an address, as git clone takes it; "" where
// that is no name.
func folderName(address string) string {
	p := address
	if isURL(address) || isSCP(address) {
		_, p, _ = strings.Cut(address, ":")
		p = strings.TrimRight(p, "/")
		if host, rest, ok := strings.Cut(strings.TrimPrefix(p, "//"), "/"); strings.HasPrefix(p, "//") {
			p = rest
			if !ok {
				p = host
			}
		}
		if u, err := url.PathUnescape(p); err == nil {
			p = u
		}
		p = strings.TrimSuffix(p, "/.git")
	}
	switch name := strings.TrimSuffix(path.Base(p), ".git"); name {
	case ".", "..", "/":
		return ""
	default:
		return name
	}
}

// isURL reports whether the address has a scheme.
func isURL(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	return ok && scheme != "" && !strings.ContainsAny(scheme, "/:@ ")
}

// isSCP reports whether git takes the address for HOST:PATH.
func isSCP(s string) bool {
	if isURL(s) {
		return false
	}
	before, _, ok := strings.Cut(s, ":")
	return ok && before != "" && !strings.Contains(before, "/")
}

// isPath reports whether the address leads into this file system.
func isPath(s string) bool { return !isURL(s) && !isSCP(s) }

// localPath turns file URLs into paths, which git treats better; ok is false
// for addresses of other hosts.
func localPath(address string) (p string, ok bool) {
	if isPath(address) {
		return address, true
	}
	rest, ok := strings.CutPrefix(address, "file://")
	if !ok {
		return "", false
	}
	rest = strings.TrimPrefix(rest, "localhost")
	p, err := url.PathUnescape(rest)
	if err != nil || !strings.HasPrefix(p, "/") {
		return "", false
	}
	return p, true
}

// variants adds the addresses that DataLad tries, too: over http, git does not
// find a repository with a work tree by itself.
func (s Source) variants() []Source {
	list := []Source{s}
	scheme, _, _ := strings.Cut(s.GitURL, "://")
	trimmed := strings.TrimRight(s.GitURL, "/")
	if (scheme == "http" || scheme == "https") && !strings.HasSuffix(trimmed, "/.git") {
		other := s
		other.GitURL = trimmed + "/.git"
		list = append(list, other)
	}
	return list
}
