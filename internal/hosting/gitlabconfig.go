package hosting

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/ini.v1"
)

// GitLabConfig is python-gitlab's configuration: sites with their settings.
type GitLabConfig struct{ file *ini.File }

// ParseGitLabConfig reads files as Python's configparser does; later ones count
// more.
func ParseGitLabConfig(texts ...[]byte) (GitLabConfig, error) {
	options := ini.LoadOptions{
		InsensitiveKeys: true, IgnoreInlineComment: true, IgnoreContinuation: true, AllowPythonMultilineValues: true,
		PreserveSurroundedQuote: true, KeyValueDelimiters: "=:",
	}
	c := GitLabConfig{ini.Empty(options)}
	for _, text := range texts {
		err := c.file.Append(text)
		if ini.IsErrDelimiterNotFound(err) { // it shows the line, which may hold a token
			err = errors.New("a line is neither [SECTION] nor NAME = VALUE")
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// Site returns the site of a name; ok is false where there is none.
func (c GitLabConfig) Site(name string) (g GitLab, ok bool, err error) {
	section, err := c.file.GetSection(name)
	if err != nil || name == ini.DefaultSection || name == "global" {
		return g, false, nil //nolint:nilerr // the only error is that there is none
	}
	get := func(key string) string {
		if section.HasKey(key) {
			return section.Key(key).Value()
		}
		return c.file.Section(ini.DefaultSection).Key(key).Value()
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
