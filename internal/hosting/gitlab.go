package hosting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
)

// GitLab is one GitLab site. Its projects lie in groups, and groups in groups.
type GitLab struct {
	URL   string // without a slash at the end
	Token string
	// Header is where the token goes; "" is Private-Token. It is a bearer's
	// in Authorization.
	Header string
	Client *http.Client // nil is one with a time limit
}

const gitlabAPI = "/api/v4"

// Project returns what the site says of the project at a path; nil where there
// is none.
func (g *GitLab) Project(ctx context.Context, path string) (map[string]any, error) {
	all, status, err := g.do(ctx, http.MethodGet, "/projects/"+url.PathEscape(path), nil)
	switch {
	case err != nil:
		return nil, err
	case status == http.StatusNotFound:
		return nil, nil
	case status != http.StatusOK:
		return nil, g.refused(status, all)
	}
	return all, nil
}

// CreateProject makes a project at a path, and the group that it lies in, if
// only that is missing.
func (g *GitLab) CreateProject(ctx context.Context, path, description string) (map[string]any, error) {
	parts := strings.Split(path, "/")
	props := map[string]any{"name": parts[len(parts)-1]}
	if description != "" {
		props["description"] = description
	}
	id, err := g.namespace(ctx, parts[:len(parts)-1])
	if err != nil {
		return nil, err
	}
	if id != nil {
		props["namespace_id"] = id
	}
	return g.create(ctx, "/projects", props)
}

// namespace is the id of a group, which is made if need be; nil is the user's
// own.
func (g *GitLab) namespace(ctx context.Context, group []string) (id any, err error) {
	if len(group) == 0 {
		return nil, nil
	}
	if id, err = g.group(ctx, group); err != nil || id != nil {
		return id, err
	}
	last := group[len(group)-1]
	props := map[string]any{"name": last, "path": last}
	if above := group[:len(group)-1]; len(above) > 0 {
		parent, err := g.group(ctx, above)
		if err != nil {
			return nil, err
		}
		if parent == nil {
			return nil, errs.WithHint(fmt.Errorf("neither group %s nor group %s exists", strings.Join(group, "/"), strings.Join(above, "/")), "at most one group is made: make the outer ones on the site")
		}
		props["parent_id"] = parent
	} else if own, err := g.isUser(ctx, last); err != nil || own {
		return nil, err
	}
	made, err := g.create(ctx, "/groups", props)
	if err != nil {
		return nil, fmt.Errorf("make group %s: %w", strings.Join(group, "/"), err)
	}
	return made["id"], nil
}

func (g *GitLab) group(ctx context.Context, path []string) (id any, err error) {
	all, status, err := g.do(ctx, http.MethodGet, "/groups/"+url.PathEscape(strings.Join(path, "/")), nil)
	switch {
	case err != nil || status == http.StatusNotFound:
		return nil, err
	case status != http.StatusOK:
		return nil, g.refused(status, all)
	}
	return all["id"], nil
}

// isUser reports whether the token's owner has that name.
func (g *GitLab) isUser(ctx context.Context, name string) (bool, error) {
	all, status, err := g.do(ctx, http.MethodGet, "/user", nil)
	if err == nil && status != http.StatusOK {
		err = g.refused(status, all)
	}
	return all["username"] == name, err
}

func (g *GitLab) create(ctx context.Context, path string, props map[string]any) (map[string]any, error) {
	body, err := json.Marshal(props)
	if err != nil {
		return nil, err
	}
	all, status, err := g.do(ctx, http.MethodPost, path, body)
	if err == nil && status != http.StatusCreated {
		err = g.refused(status, all)
	}
	return all, err
}

func (g *GitLab) refused(status int, all map[string]any) error {
	text, ok := all["message"].(string)
	if !ok {
		said, _ := json.Marshal(all["message"])
		text = string(said)
	}
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return errs.WithHint(fmt.Errorf("unauthorized: %s", text), "make an access token on %s and write it into python-gitlab's configuration", g.URL)
	}
	return fmt.Errorf("GitLab at %s answered %d %s: %s", g.URL, status, http.StatusText(status), text)
}

func (g *GitLab) do(ctx context.Context, method, path string, body []byte) (map[string]any, int, error) {
	header := http.Header{}
	switch {
	case g.Token == "":
		return nil, 0, errors.New("there is no access token for " + g.URL)
	case g.Header == "":
		header.Set("Private-Token", g.Token)
	case g.Header == "Authorization":
		header.Set(g.Header, "Bearer "+g.Token)
	default:
		header.Set(g.Header, g.Token)
	}
	data, status, err := call(ctx, g.Client, method, g.URL, gitlabAPI+path, header, body)
	return fields(data), status, err
}
