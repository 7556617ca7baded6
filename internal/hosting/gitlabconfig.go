package hosting

import (
	"errors"
	"fmt"
	"strings"
)

// GitLabConfig is python-gitlab's configuration: sites with their settings.
type GitLabConfig map[string]map[string]string

// defaultSection gives values to all others.
const defaultSection = "DEFAULT"

// ParseGitLabConfig reads a file as Python's configparser does: [SECTION], lines
// of NAME = VALUE or NAME: VALUE, and indented ones that go on with the value.
func ParseGitLabConfig(text string) (GitLabConfig, error) {
	c := GitLabConfig{}
	section, last := "", ""
	for n, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		word := strings.TrimSpace(line)
		indented := line != "" && (line[0] == ' ' || line[0] == '\t')
		switch {
		case word == "" || word[0] == '#' || word[0] == ';':
		case indented && last != "":
			c[section][last] += "\n" + word
		case word[0] == '[':
			end := strings.IndexByte(word, ']')
			if end < 2 {
				return nil, fmt.Errorf("line %d is no section: %q", n+1, word)
			}
			if section, last = word[1:end], ""; c[section] == nil {
				c[section] = map[string]string{}
			}
		case section == "":
			return nil, fmt.Errorf("line %d lies in no section", n+1)
		default:
			at := strings.IndexAny(word, "=:")
			if at < 1 {
				return nil, fmt.Errorf("line %d sets nothing", n+1)
			}
			last = strings.ToLower(strings.TrimSpace(word[:at]))
			c[section][last] = strings.TrimSpace(word[at+1:])
		}
	}
	return c, nil
}

// Merge adds what a file says that counts more.
func (c GitLabConfig) Merge(more GitLabConfig) {
	for section, values := range more {
		if c[section] == nil {
			c[section] = map[string]string{}
		}
		for name, v := range values {
			c[section][name] = v
		}
	}
}

// Site returns the site of a name; ok is false where there is none.
func (c GitLabConfig) Site(name string) (g GitLab, ok bool, err error) {
	values, ok := c[name]
	if !ok || name == defaultSection || name == "global" {
		return g, false, nil
	}
	get := func(key string) string {
		if v, ok := values[key]; ok {
			return v
		}
		return c[defaultSection][key]
	}
	if v := get("api_version"); v != "" && v != "4" {
		return g, true, fmt.Errorf("version %s of GitLab's API is not served", v)
	}
	g.URL = strings.TrimRight(get("url"), "/")
	for _, t := range [][2]string{{"private_token", ""}, {"oauth_token", "Authorization"}, {"job_token", "Job-Token"}} {
		if g.Token = get(t[0]); g.Token != "" {
			g.Header = t[1]
			break
		}
	}
	if strings.HasPrefix(g.Token, "helper:") {
		return g, true, errors.New("a helper program for the token is not supported")
	}
	return g, true, nil
}
