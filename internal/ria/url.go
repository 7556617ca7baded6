// Package ria knows RIA stores: how DataLad names them in URLs and how they lie
// in a file system, on this machine or behind ssh. It moves no content and
// knows nothing of datasets beyond their id.
package ria

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/errs"
)

// URL names a store, and a dataset in it where ID or Alias is set:
// ria+SCHEME://HOST/PATH#ID[@VERSION] or …#~ALIAS[@VERSION].
type URL struct {
	Scheme  string // file, ssh, http or https
	Host    string // [USER@]HOST[:PORT]; "" for file
	Path    string // as written, "" or beginning with "/"
	ID      string // of the dataset, lower-case UUID
	Alias   string // without "~"
	Version string // branch or tag; "" for the store's HEAD
}

const prefix = "ria+"

// Is reports whether s is meant to be a RIA URL.
func Is(s string) bool { return strings.HasPrefix(s, prefix) && strings.Contains(s, "://") }

var datasetID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$`)
})

// ValidID reports whether id can name a dataset in a store.
func ValidID(id string) bool { return datasetID().MatchString(id) }

// Parse reads a URL of a store or of a dataset in one.
func Parse(s string) (URL, error) {
	u, err := parse(s)
	if err != nil {
		return URL{}, errs.WithHint(fmt.Errorf("RIA URL %q: %w", s, err), "write ria+file:///PATH, ria+ssh://HOST/PATH or ria+http://HOST/PATH, and #ID or #~ALIAS for a dataset")
	}
	return u, nil
}

func parse(s string) (URL, error) {
	rest, ok := strings.CutPrefix(s, prefix)
	scheme, rest, ok2 := strings.Cut(rest, "://")
	if !ok || !ok2 {
		return URL{}, errors.New("not of the form ria+SCHEME://")
	}
	if strings.ContainsAny(s, "\n\r\x00") {
		return URL{}, errors.New("has a line break in it")
	}
	u := URL{Scheme: strings.ToLower(scheme)}
	place, fragment, named := strings.Cut(rest, "#")
	u.Host, u.Path = place, ""
	if i := strings.IndexByte(place, '/'); i >= 0 {
		u.Host, u.Path = place[:i], place[i:]
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return URL{}, errors.New("a file URL needs an absolute path and no host")
		}
		u.Host = ""
	case "ssh", "http", "https":
		if u.Host == "" || strings.HasPrefix(u.Host[strings.LastIndexByte(u.Host, '@')+1:], "-") || strings.HasPrefix(u.Host, "-") {
			return URL{}, errors.New("no valid host")
		}
	default:
		return URL{}, fmt.Errorf("unknown scheme %q", scheme)
	}
	if !named || fragment == "" {
		return u, nil
	}
	err := u.readFragment(fragment)
	return u, err
}

func (u *URL) readFragment(fragment string) error {
	id, version, _ := strings.Cut(fragment, "@")
	u.Version = version
	alias, isAlias := strings.CutPrefix(id, "~")
	switch {
	case strings.HasPrefix(version, "-"):
		return errors.New("the version begins with a dash")
	case isAlias && ValidAlias(alias):
		u.Alias = alias
	case !isAlias && ValidID(id):
		u.ID = id
	default:
		return errors.New("no valid dataset ID or other supported scheme")
	}
	return nil
}

// ValidAlias reports whether a dataset can have the name in a store.
func ValidAlias(alias string) bool {
	if alias == "" || strings.ContainsAny(alias, "\n\r\x00#") || strings.HasPrefix(alias, "-") {
		return false
	}
	for _, part := range strings.Split(alias, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// Store is the URL of the store alone.
func (u URL) Store() string { return prefix + u.plain() + u.Path }

func (u URL) plain() string { return u.Scheme + "://" + u.Host }

// Trace is where the dataset lies below the store, or "".
func (u URL) Trace() string {
	switch {
	case u.ID != "":
		return DatasetDir(u.ID)
	case u.Alias != "":
		return "alias/" + u.Alias
	}
	return ""
}

// DatasetDir is the folder of a dataset below its store.
func DatasetDir(id string) string { return id[:3] + "/" + id[3:] }

// Git is the address of the dataset's repository for git.
func (u URL) Git() string {
	path := u.Path
	if path != "" && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return u.plain() + path + u.Trace()
}

// Name is the folder that a clone gets by default.
func (u URL) Name() string {
	if u.ID != "" {
		return u.ID
	}
	return u.Alias[strings.LastIndexByte(u.Alias, '/')+1:]
}

// Dir is the store's folder on its host, unescaped.
func (u URL) Dir() (string, error) {
	dir, err := url.PathUnescape(u.Path)
	if err != nil || strings.ContainsAny(dir, "\n\r\x00") {
		return "", fmt.Errorf("RIA URL %s: no valid path", u.Store())
	}
	return dir, nil
}
