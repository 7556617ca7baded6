package git

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
)

// Config is a snapshot of the effective git configuration of a repository:
// system, global, local, work tree and command-line scopes, in git's order.
type Config struct {
	settings []setting // weakest first
	sawLocal bool
	outer    surroundings
	index    atomic.Pointer[configIndex] // made when a key is first looked up
}

// setting is one line of a configuration, with its canonical key.
type setting struct {
	key, value string
	local      bool // the repository's own files set it
}

// configIndex leads from a key to its strongest setting, and from each setting
// to the next weaker one of the same key; -1 ends the chain.
type configIndex struct {
	last   map[string]int
	weaker []int
}

// NewConfig makes a configuration from "key=value" pairs, weakest first; for
// callers that have no repository yet.
func NewConfig(pairs ...[2]string) *Config {
	c := &Config{}
	for _, p := range pairs {
		c.add(p[0], p[1], false)
	}
	return c
}

func (c *Config) add(key, value string, local bool) {
	c.settings = append(c.settings, setting{canonicalKey(key), value, local})
	c.index.Store(nil)
}

func (c *Config) indexed() *configIndex {
	if x := c.index.Load(); x != nil {
		return x
	}
	x := &configIndex{last: make(map[string]int, len(c.settings)), weaker: make([]int, len(c.settings))}
	for i, s := range c.settings {
		before, seen := x.last[s.key]
		if !seen {
			before = -1
		}
		x.weaker[i], x.last[s.key] = before, i
	}
	c.index.Store(x)
	return x
}

// each calls take for every setting of key, strongest first.
func (c *Config) each(key string, take func(setting)) {
	x := c.indexed()
	i, ok := x.last[canonicalKey(key)]
	for ; ok && i >= 0; i = x.weaker[i] {
		take(c.settings[i])
	}
}

// canonicalKey lower-cases section and variable, but not the subsection.
func canonicalKey(key string) string {
	first, last := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
	if first < 0 {
		return strings.ToLower(key)
	}
	section, variable := strings.ToLower(key[:first]), strings.ToLower(key[last:])
	if section == key[:first] && variable == key[last:] {
		return key
	}
	return section + key[first:last] + variable
}

// readConfig fills in r.Config: from the files that git reads, or by asking it.
func (r *Repo) readConfig(ctx context.Context) (err error) {
	if outer, ok := readOuter(r.env); ok && r.nativeConfig(outer) {
		return nil
	}
	r.Config, err = r.configByGit(ctx)
	return err
}

// configByGit runs `git config -l -z --show-origin` in the work tree.
func (r *Repo) configByGit(ctx context.Context) (*Config, error) {
	out, err := r.Output(ctx, "config", "-l", "-z", "--show-origin")
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parseConfig(out, func(origin string) bool {
		path, ok := strings.CutPrefix(origin, "file:")
		if !ok {
			return false
		}
		path = absFrom(r.WorkTree, path)
		return path == filepath.Join(r.CommonDir, "config") || path == filepath.Join(r.GitDir, "config") ||
			path == filepath.Join(r.GitDir, "config.worktree")
	})
}

// parseConfig reads NUL-separated pairs: origin, then "key\nvalue".
func parseConfig(out []byte, isLocal func(origin string) bool) (*Config, error) {
	c := NewConfig()
	fields := bytes.Split(out, []byte{0})
	for i := 0; i+1 < len(fields); i += 2 {
		key, value, hasValue := bytes.Cut(fields[i+1], []byte{'\n'})
		if len(key) == 0 {
			return nil, fmt.Errorf("read configuration: empty key")
		}
		v := string(value)
		if !hasValue {
			v = "true" // a key without "=" is a boolean
		}
		local := isLocal(string(fields[i]))
		c.outer.note(string(fields[i]), string(key), v, local)
		c.sawLocal = c.sawLocal || local
		c.add(string(key), v, local)
	}
	return c, nil
}

// Get returns the strongest value of key, or "".
func (c *Config) Get(key string) string {
	v, _ := c.Lookup(key)
	return v
}

// Lookup returns the strongest value of key and whether there is one.
func (c *Config) Lookup(key string) (string, bool) {
	i, ok := c.indexed().last[canonicalKey(key)]
	if !ok {
		return "", false
	}
	return c.settings[i].value, true
}

// All returns every value of key, weakest first.
func (c *Config) All(key string) (values []string) {
	c.each(key, func(s setting) { values = append(values, s.value) })
	slices.Reverse(values)
	return values
}

// Local reports whether one of the repository's own files sets key.
func (c *Config) Local(key string) (local bool) {
	c.each(key, func(s setting) { local = local || s.local })
	return local
}

// Keys returns all canonical keys that begin with prefix, in file order.
func (c *Config) Keys(prefix string) []string {
	var keys []string
	for i, before := range c.indexed().weaker {
		if key := c.settings[i].key; before < 0 && strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Settings yields all keys with their values, weakest first.
func (c *Config) Settings() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for _, s := range c.settings {
			if !yield(s.key, s.value) {
				return
			}
		}
	}
}

// Bool reads key as git does (true/yes/on/1, false/no/off/0/""); an absent or
// unreadable value gives def.
func (c *Config) Bool(key string, def bool) bool {
	v, ok := c.Lookup(key)
	if !ok {
		return def
	}
	if b, ok := ParseBool(v); ok {
		return b
	}
	return def
}

// ParseBool reads one of git's spellings of a boolean.
func ParseBool(v string) (value, ok bool) {
	switch strings.ToLower(v) {
	case "true", "yes", "on":
		return true, true
	case "false", "no", "off", "":
		return false, true
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil {
		return n != 0, true
	}
	return false, false
}

// UserConfig reads the settings that hold outside any repository: system,
// global, and those of the environment.
func UserConfig(ctx context.Context, env []string) (*Config, error) {
	if outer, ok := readOuter(env); ok {
		c := NewConfig(append(slices.Clone(outer.weak), outer.strong...)...)
		c.outer = *outer
		return c, nil
	}
	r := &Repo{WorkTree: "/", GitDir: "/", CommonDir: "/", env: append(cleanEnv(env), "GIT_CEILING_DIRECTORIES=/", "GIT_DIR=/dev/null")}
	return r.configByGit(ctx)
}

// Override returns the value that the command line or environment gives key.
func (c *Config) Override(key string) (value string, ok bool) {
	return lastOf(c.outer.strong, key)
}

// Outside returns the value that the system's or user's files give key.
func (c *Config) Outside(key string) (value string, ok bool) {
	return lastOf(c.outer.weak, key)
}

// InFiles returns the value that files give key: all but overrides.
func (c *Config) InFiles(key string) (value string, ok bool) {
	all := c.All(key)
	for _, kv := range c.outer.strong {
		if canonicalKey(kv[0]) == canonicalKey(key) && len(all) > 0 {
			all = all[:len(all)-1] // overrides come last
		}
	}
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

func lastOf(pairs [][2]string, key string) (value string, ok bool) {
	for _, kv := range pairs {
		if canonicalKey(kv[0]) == canonicalKey(key) {
			value, ok = kv[1], true
		}
	}
	return value, ok
}

// RewriteURL applies url.BASE.insteadOf, as git does to addresses that it sees;
// the longest prefix wins.
func (c *Config) RewriteURL(url string) string {
	var from, to string
	for _, key := range c.Keys("url.") {
		base, ok := strings.CutSuffix(strings.TrimPrefix(key, "url."), ".insteadof")
		if !ok {
			continue
		}
		for _, prefix := range c.All(key) {
			if strings.HasPrefix(url, prefix) && len(prefix) > len(from) {
				from, to = prefix, base
			}
		}
	}
	if from == "" {
		return url
	}
	return to + strings.TrimPrefix(url, from)
}
