package git

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Config is a snapshot of the effective git configuration of a repository:
// system, global, local, work tree and command-line scopes, in git's order.
type Config struct {
	values   map[string][]string // canonical key → all values, weakest first
	local    map[string]bool     // keys that the repository's own files set
	order    []string            // canonical keys in order of first appearance
	sawLocal bool
	outer    surroundings
}

// NewConfig makes a configuration from "key=value" pairs, weakest first; for
// callers that have no repository yet.
func NewConfig(pairs ...[2]string) *Config {
	c := &Config{values: map[string][]string{}, local: map[string]bool{}}
	for _, p := range pairs {
		c.add(p[0], p[1], false)
	}
	return c
}

func (c *Config) add(key, value string, local bool) {
	key = canonicalKey(key)
	if _, seen := c.values[key]; !seen {
		c.order = append(c.order, key)
	}
	c.values[key] = append(c.values[key], value)
	if local {
		c.local[key] = true
	}
}

// canonicalKey lower-cases section and variable, but not the subsection.
func canonicalKey(key string) string {
	first, last := strings.IndexByte(key, '.'), strings.LastIndexByte(key, '.')
	if first < 0 {
		return strings.ToLower(key)
	}
	return strings.ToLower(key[:first]) + key[first:last] + strings.ToLower(key[last:])
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
	all := c.values[canonicalKey(key)]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1], true
}

// All returns every value of key, weakest first.
func (c *Config) All(key string) []string { return c.values[canonicalKey(key)] }

// Local reports whether one of the repository's own files sets key.
func (c *Config) Local(key string) bool { return c.local[canonicalKey(key)] }

// Keys returns all canonical keys that begin with prefix, in file order.
func (c *Config) Keys(prefix string) []string {
	var keys []string
	for _, k := range c.order {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	return keys
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
	all := c.values[canonicalKey(key)]
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
