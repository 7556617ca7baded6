// Package hosting makes repositories on hosting services through their HTTP
// APIs: Gitea, GOGS, GIN, GitHub and GitLab. It knows neither git nor datasets.
// Tokens go into the one header that the service wants, and nowhere else.
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

// Service is one hosting service.
type Service struct {
	Kind  string // gitea, gogs, gin or github
	API   string // base URL, without a slash at the end
	Token string // "" only for questions that need none
	// Client makes the requests; nil is one with a time limit.
	Client *http.Client
}

// kind is what differs between the services.
type kind struct {
	name        string            // in messages
	api         string            // default base
	sibling     string            // default name of the sibling
	user, group string            // paths that make a repository; {organization}
	info        string            // path of one repository; {user}, {repo}
	me          string            // path of the authenticated user
	settings    map[string]string // of the remote
	pages       bool              // the repository is read at the address of its page
}

const giteaAPI = "/api/v1"

func kinds() map[string]kind {
	noContent := map[string]string{"annex-ignore": "true"}
	gitea := kind{"Gitea", "https://gitea.com", "gitea", giteaAPI + "/user/repos", giteaAPI + "/org/{organization}/repos", giteaAPI + "/repos/{user}/{repo}",
		giteaAPI + "/user", noContent, false}
	gogs, gin := gitea, gitea
	gogs.name, gogs.api, gogs.sibling = "GOGS", "", ""
	gin.name, gin.api, gin.sibling, gin.settings, gin.pages = "GIN", "https://gin.g-node.org", "gin", nil, true
	// GitHub takes the branch that comes first for the default one.
	branchFirst := map[string]string{"annex-ignore": "true", "datalad-push-default-first": "true"}
	github := kind{"GitHub", "https://api.github.com", "github", "/user/repos", "/orgs/{organization}/repos", "/repos/{user}/{repo}",
		"/user", branchFirst, false}
	return map[string]kind{"gitea": gitea, "gogs": gogs, "gin": gin, "github": github}
}

// Defaults of a kind of service: the base of its API, and the sibling's name
// ("": the host).
func Defaults(service string) (api, sibling string) {
	k := kinds()[service]
	return k.api, k.sibling
}

// Title is the name of the service in messages.
func (s *Service) Title() string { return kinds()[s.Kind].name }

// RemoteSettings are what git's remote gets beside its addresses.
func (s *Service) RemoteSettings() map[string]string { return kinds()[s.Kind].settings }

// Repository is one on a service.
type Repository struct {
	Name                 string
	Private              bool
	Clone, SSH, HTML     string // addresses
	Existed              bool
	Request, RequestBody string            // what was, or would be, sent
	RequestHeaders       map[string]string // without the token
	Response             map[string]any    // what the service said of it
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
	body, err := json.Marshal(map[string]any{"name": r.Name, "description": r.Description, "private": r.Private, "auto_init": false})
	if err != nil {
		return Repository{}, err
	}
	path := k.user
	if r.Organization != "" {
		path = strings.ReplaceAll(k.group, "{organization}", url.PathEscape(r.Organization))
	}
	out := Repository{Name: r.Name, Private: r.Private, Request: s.API + path, RequestBody: string(body), RequestHeaders: map[string]string{
		"user-agent": agent, "authorization": "token NO-TOKEN-AVAILABLE",
	}}
	if dry {
		return out, nil
	}
	answer, status, err := s.do(ctx, http.MethodPost, path, body)
	if err != nil {
		return out, err
	}
	switch {
	case status == http.StatusCreated:
		return answer.repository(k, out), nil
	case status == http.StatusConflict, status == http.StatusUnprocessableEntity && answer.saysTaken():
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
		owner = answer.Login
	}
	path := strings.NewReplacer("{user}", url.PathEscape(owner), "{repo}", url.PathEscape(r.Name)).Replace(k.info)
	answer, status, err := s.do(ctx, http.MethodGet, path, nil)
	if err != nil || status != http.StatusOK {
		return Repository{}, errors.Join(err, s.refused(k, status, answer))
	}
	return answer.repository(k, Repository{Name: r.Name, Existed: true}), nil
}

// answer is what the services tell, each its own part of it.
type answer struct {
	Name     string          `json:"name"`
	Private  bool            `json:"private"`
	CloneURL string          `json:"clone_url"`
	SSHURL   string          `json:"ssh_url"`
	HTMLURL  string          `json:"html_url"`
	Login    string          `json:"login"`
	Message  json.RawMessage `json:"message"`
	Errors   json.RawMessage `json:"errors"`
	all      map[string]any
}

func (a *answer) repository(k kind, r Repository) Repository {
	if a.Name != "" {
		r.Name = a.Name
	}
	r.Private, r.Clone, r.SSH, r.HTML, r.Response = a.Private, a.CloneURL, a.SSHURL, a.HTMLURL, a.all
	if k.pages && a.HTMLURL != "" {
		r.Clone = a.HTMLURL
	}
	return r
}

func (a *answer) saysTaken() bool {
	text := string(a.Message) + string(a.Errors)
	return strings.Contains(text, "already exist") || strings.Contains(text, "exists already")
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

func (s *Service) do(ctx context.Context, method, path string, body []byte) (a answer, status int, err error) {
	header := http.Header{}
	if s.Token != "" {
		header.Set("Authorization", "token "+s.Token)
	}
	data, status, err := call(ctx, s.Client, method, s.API, path, header, body)
	_ = json.Unmarshal(data, &a) // an answer of another form has no fields
	a.all = fields(data)
	return a, status, err
}
