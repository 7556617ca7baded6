// Package hosting makes repositories on hosting services through their HTTP
// APIs: Gitea, GOGS, GIN, GitHub and GitLab. It knows neither git nor datasets.
// Tokens go into the one header that the service wants, and nowhere else.
package hosting

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
)

// Service is one hosting service.
type Service struct {
	Kind  string // gitea, gogs, gin, github or gitlab
	API   string // base URL, without a slash at the end
	Token string // "" only for questions that need none
	// Client makes the requests; nil is one with a time limit.
	Client *http.Client
}

// kind is what differs between the services.
type kind struct {
	name         string // in messages
	api          string // default base
	sibling      string // default name of the sibling
	user, group  string // paths that make a repository; {organization}
	info         string // path of one repository; {user}, {repo}
	me           string // path of the authenticated user
	login        string // field of its name
	exists       int    // HTTP status for a name that is taken
	annexIgnored bool   // no content can be kept there
}

const giteaAPI = "/api/v1"

func kinds() map[string]kind {
	gitea := kind{"Gitea", "https://gitea.com", "gitea", giteaAPI + "/user/repos", giteaAPI + "/org/{organization}/repos", giteaAPI + "/repos/{user}/{repo}",
		giteaAPI + "/user", "login", http.StatusConflict, true}
	gogs, gin, github, gitlab := gitea, gitea, gitea, kind{}
	gogs.name, gogs.api, gogs.sibling, gogs.exists = "GOGS", "", "gogs", http.StatusUnprocessableEntity
	gin.name, gin.api, gin.sibling, gin.exists, gin.annexIgnored = "GIN", "https://gin.g-node.org", "gin", http.StatusUnprocessableEntity, false
	github = kind{"GitHub", "https://api.github.com", "github", "/user/repos", "/orgs/{organization}/repos", "/repos/{user}/{repo}",
		"/user", "login", http.StatusUnprocessableEntity, true}
	gitlab = kind{"GitLab", "https://gitlab.com", "gitlab", "/api/v4/projects", "/api/v4/projects", "/api/v4/projects/{user}%2F{repo}",
		"/api/v4/user", "username", http.StatusBadRequest, true}
	return map[string]kind{"gitea": gitea, "gogs": gogs, "gin": gin, "github": github, "gitlab": gitlab}
}

// Defaults of a kind of service: the base of its API, and the sibling's name.
// IgnoresAnnex says that git-annex shall not try to keep content there.
func Defaults(service string) (api, sibling string, ignoresAnnex bool) {
	k := kinds()[service]
	return k.api, k.sibling, k.annexIgnored
}

// Repository is one on a service.
type Repository struct {
	Name                 string
	Private              bool
	Clone, SSH, HTML     string // addresses
	Existed              bool
	Request, RequestBody string // what was, or would be, sent
}

// ErrExists says that there is a repository of that name.
var ErrExists = errors.New("repository already exists")

// Request is a repository to be made.
type Request struct {
	Name         string
	Organization string // "" for the user's own
	Private      bool
	Description  string
}

// Create makes a repository. Where it exists already the error is ErrExists.
// With dry nothing is sent.
func (s *Service) Create(ctx context.Context, r Request, dry bool) (Repository, error) {
	k, ok := kinds()[s.Kind]
	if !ok {
		return Repository{}, fmt.Errorf("hosting service %q is not known", s.Kind)
	}
	body, err := s.body(ctx, r, dry)
	if err != nil {
		return Repository{}, err
	}
	path := k.user
	if r.Organization != "" {
		path = strings.ReplaceAll(k.group, "{organization}", url.PathEscape(r.Organization))
	}
	out := Repository{Name: r.Name, Private: r.Private, Request: s.API + path, RequestBody: string(body)}
	if dry {
		return out, nil
	}
	answer, status, err := s.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return out, err
	}
	switch {
	case status == http.StatusCreated:
		return answer.repository(out), nil
	case status == k.exists && answer.saysTaken():
		out.Existed = true
		return out, ErrExists
	}
	return out, s.refused(k, status, answer)
}

// Find looks a repository up.
func (s *Service) Find(ctx context.Context, r Request) (Repository, error) {
	k := kinds()[s.Kind]
	owner := r.Organization
	if owner == "" {
		answer, status, err := s.do(ctx, http.MethodGet, k.me, nil)
		if err != nil || status != http.StatusOK {
			return Repository{}, errors.Join(err, s.refused(k, status, answer))
		}
		if owner = answer.Login; k.login == "username" {
			owner = answer.Username
		}
	}
	path := strings.NewReplacer("{user}", url.PathEscape(owner), "{repo}", url.PathEscape(r.Name)).Replace(k.info)
	answer, status, err := s.do(ctx, http.MethodGet, path, nil)
	if err != nil || status != http.StatusOK {
		return Repository{}, errors.Join(err, s.refused(k, status, answer))
	}
	return answer.repository(Repository{Name: r.Name, Existed: true}), nil
}

// body is what the service is sent.
func (s *Service) body(ctx context.Context, r Request, dry bool) ([]byte, error) {
	if s.Kind != "gitlab" {
		return json.Marshal(map[string]any{"name": r.Name, "description": r.Description, "private": r.Private, "auto_init": false})
	}
	visibility := "public"
	if r.Private {
		visibility = "private"
	}
	fields := map[string]any{"name": r.Name, "path": r.Name, "description": r.Description, "visibility": visibility}
	if r.Organization != "" && !dry {
		answer, status, err := s.do(ctx, http.MethodGet, "/api/v4/groups/"+url.PathEscape(r.Organization), nil)
		if err != nil || status != http.StatusOK {
			return nil, errors.Join(err, s.refused(kinds()[s.Kind], status, answer))
		}
		fields["namespace_id"] = answer.ID
	}
	return json.Marshal(fields)
}

// answer is what the services tell, each its own part of it.
type answer struct {
	ID         int64           `json:"id"`
	Name       string          `json:"name"`
	Private    bool            `json:"private"`
	Visibility string          `json:"visibility"`
	CloneURL   string          `json:"clone_url"`
	SSHURL     string          `json:"ssh_url"`
	HTMLURL    string          `json:"html_url"`
	HTTPToRepo string          `json:"http_url_to_repo"`
	SSHToRepo  string          `json:"ssh_url_to_repo"`
	WebURL     string          `json:"web_url"`
	Login      string          `json:"login"`
	Username   string          `json:"username"`
	Message    json.RawMessage `json:"message"`
	Errors     json.RawMessage `json:"errors"`
}

func (a *answer) repository(r Repository) Repository {
	first := func(list ...string) string {
		for _, s := range list {
			if s != "" {
				return s
			}
		}
		return ""
	}
	r.Name = first(a.Name, r.Name)
	r.Private = a.Private || a.Visibility == "private"
	r.Clone, r.SSH, r.HTML = first(a.CloneURL, a.HTTPToRepo), first(a.SSHURL, a.SSHToRepo), first(a.HTMLURL, a.WebURL)
	return r
}

func (a *answer) saysTaken() bool {
	text := string(a.Message) + string(a.Errors)
	return strings.Contains(text, "already exist") || strings.Contains(text, "has already been taken")
}

func (s *Service) refused(k kind, status int, a answer) error {
	text := strings.Trim(string(a.Message), `"`)
	switch status {
	case 0:
		return nil
	case http.StatusUnauthorized, http.StatusForbidden:
		return errs.WithHint(fmt.Errorf("unauthorized: %s", text), "make an access token on %s and give it as DATALAD_CREDENTIAL_%s_TOKEN", s.API, strings.ToUpper(s.Kind))
	}
	return fmt.Errorf("%s at %s answered %d %s: %s", k.name, s.API, status, http.StatusText(status), text)
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

func (s *Service) do(ctx context.Context, method, path string, body []byte) (a answer, status int, err error) {
	base, err := url.Parse(s.API)
	if err != nil || base.Scheme != "https" && base.Scheme != "http" || base.Host == "" {
		return a, 0, fmt.Errorf("%q is no address of a service", s.API)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.API+path, bytes.NewReader(body))
	if err != nil {
		return a, 0, err
	}
	req.Header.Set("User-Agent", "stemma")
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case s.Token == "":
	case s.Kind == "gitlab":
		req.Header.Set("Private-Token", s.Token)
	default:
		req.Header.Set("Authorization", "token "+s.Token)
	}
	resp, err := s.client().Do(req)
	if err != nil {
		return a, 0, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return a, 0, err
	}
	_ = json.Unmarshal(data, &a) // an answer of another form has no fields
	return a, resp.StatusCode, nil
}

// client follows no redirect to another host, which would get the token.
func (s *Service) client() *http.Client {
	if s.Client != nil {
		return s.Client
	}
	return &http.Client{Timeout: time.Minute, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
			return fmt.Errorf("refused to follow to %s", req.URL.Host)
		}
		return nil
	}}
}
