package remote

import (
	"math"
	"net/url"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// Kind says how a remote is reached.
type Kind int

// The kinds that configuration can tell apart.
const (
	Path    Kind = iota // a repository in the file system
	Network             // ssh, http and whatever else git reaches by URL
	Special             // a special remote: it has content, but no git repository
)

// Default costs, git-annex's.
const (
	CostPath    = 100
	CostNetwork = 200
)

// Spec is a remote as git's configuration describes it.
type Spec struct {
	Name   string
	Kind   Kind
	URL    string // as configured; "" for a special remote
	Dir    string // Path: the repository's folder, absolute
	UUID   string // remote.NAME.annex-uuid; "" if it is not known yet
	Cost   float64
	Ignore bool   // remote.NAME.annex-ignore: no content from there
	Trust  string // remote.NAME.annex-trustlevel: "trusted", "untrusted", …; "" if not set
}

// Settings is a git configuration.
type Settings interface {
	Get(key string) string
	Bool(key string, def bool) bool
	Keys(prefix string) []string
	All(key string) []string
}

// List returns the remotes that the configuration names, cheapest first, those
// of the same cost in the order of the configuration. Relative paths start at
// the work tree's top.
func List(cfg Settings, workTree string) []Spec {
	var specs []Spec
	seen := map[string]bool{}
	for _, key := range cfg.Keys("remote.") {
		name, variable := splitKey(key)
		if name == "" || seen[name] || variable != "url" && variable != "annex-uuid" && variable != "annexurl" {
			continue
		}
		seen[name] = true
		specs = append(specs, read(cfg, name, workTree))
	}
	sort.SliceStable(specs, func(i, j int) bool { return specs[i].Cost < specs[j].Cost })
	return specs
}

// splitKey takes "remote.NAME.variable" apart.
func splitKey(key string) (name, variable string) {
	rest := strings.TrimPrefix(key, "remote.")
	dot := strings.LastIndexByte(rest, '.')
	if dot < 0 {
		return "", rest
	}
	return rest[:dot], rest[dot+1:]
}

func read(cfg Settings, name, workTree string) Spec {
	key := func(variable string) string { return "remote." + name + "." + variable }
	s := Spec{
		Name:   name,
		URL:    cfg.Get(key("annexurl")),
		UUID:   cfg.Get(key("annex-uuid")),
		Ignore: cfg.Bool(key("annex-ignore"), false),
		Trust:  cfg.Get(key("annex-trustlevel")),
		Cost:   CostNetwork,
	}
	if s.URL == "" {
		s.URL = cfg.Get(key("url"))
	}
	s.URL = insteadOf(cfg, s.URL)
	s.Kind, s.Dir = classify(s.URL, workTree)
	if s.Kind == Path || s.Kind == Special && nearby(cfg, key) {
		s.Cost = CostPath
	}
	if c, err := strconv.ParseFloat(cfg.Get(key("annex-cost")), 64); err == nil && !math.IsNaN(c) {
		s.Cost = c
	}
	return s
}

// FetchPlace is the remote at the address that git fetches from; ok is false
// where content has no other one (remote.NAME.annexUrl).
func FetchPlace(cfg Settings, name, workTree string) (s Spec, ok bool) {
	s = read(cfg, name, workTree)
	ok = cfg.Get("remote."+name+".annexurl") != ""
	s.URL = insteadOf(cfg, cfg.Get("remote."+name+".url"))
	s.Kind, s.Dir = classify(s.URL, workTree)
	return s, ok
}

// nearby tells special remotes that are folders of this machine, as git-annex does:
// those of rsync are as dear as if they were elsewhere.
func nearby(cfg Settings, key func(string) string) bool { return cfg.Get(key("annex-directory")) != "" }

// insteadOf replaces the beginning of an address as url.BASE.insteadOf says; of
// several settings the longest counts.
func insteadOf(cfg Settings, address string) string {
	const suffix = ".insteadof"
	found, base := "", ""
	for _, key := range cfg.Keys("url.") {
		if !strings.HasSuffix(key, suffix) {
			continue
		}
		for _, prefix := range cfg.All(key) {
			if len(prefix) > len(found) && strings.HasPrefix(address, prefix) {
				found, base = prefix, strings.TrimSuffix(strings.TrimPrefix(key, "url."), suffix)
			}
		}
	}
	return base + strings.TrimPrefix(address, found)
}

// classify follows git: a colon before the first slash makes it no path.
func classify(u, workTree string) (Kind, string) {
	if u == "" {
		return Special, ""
	}
	if rest, ok := strings.CutPrefix(u, "file://"); ok {
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return Network, ""
		}
		dir, err := url.PathUnescape(rest[slash:])
		if err != nil {
			return Network, ""
		}
		return Path, filepath.Clean(dir)
	}
	if before, _, _ := strings.Cut(u, "/"); strings.Contains(before, ":") {
		return Network, ""
	}
	if !filepath.IsAbs(u) {
		u = filepath.Join(workTree, u)
	}
	return Path, filepath.Clean(u)
}

// WebUUID is the identity of the web, which every repository has as a remote.
const WebUUID = "00000000-0000-0000-0000-000000000001"

// WithWeb adds the web. There may be more remotes that are the web, for some
// of its addresses.
func WithWeb(specs []Spec) []Spec {
	for _, s := range specs {
		if s.Name == "web" {
			return specs
		}
	}
	specs = append(specs, Spec{Name: "web", Kind: Special, UUID: WebUUID, Cost: CostNetwork})
	sort.SliceStable(specs, func(i, j int) bool { return specs[i].Cost < specs[j].Cost })
	return specs
}
