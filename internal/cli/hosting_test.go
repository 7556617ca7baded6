package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// service is a hosting service of all kinds, which has one repository, taken,
// and one GitLab group, lab. Its token is tok.
type service struct {
	mu   sync.Mutex
	made map[string]bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := func(status int, v map[string]any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	var body struct {
		Name        string
		NamespaceID int `json:"namespace_id"`
	}
	json.NewDecoder(r.Body).Decode(&body)
	last, _ := url.PathUnescape(r.URL.EscapedPath()[strings.LastIndexByte(r.URL.EscapedPath(), '/')+1:])
	gitlab := r.Header.Get("Private-Token") == "tok"
	switch {
	case !gitlab && r.Header.Get("Authorization") != "token tok":
		reply(http.StatusUnauthorized, map[string]any{"message": "no"})
	case r.Method == http.MethodPost && (body.Name == "taken" || s.made[body.Name]):
		reply(http.StatusUnprocessableEntity, map[string]any{"message": "repository already exists"})
	case r.Method == http.MethodPost:
		s.made[body.Name] = true
		reply(http.StatusCreated, s.repository(body.Name, r.Host))
	case last == "user":
		reply(http.StatusOK, map[string]any{"login": "ada", "username": "ada"})
	case strings.HasSuffix(r.URL.Path, "/groups/lab"):
		reply(http.StatusOK, map[string]any{"id": 7})
	case strings.HasSuffix(last, "taken"):
		reply(http.StatusOK, s.repository("taken", r.Host))
	default:
		reply(http.StatusNotFound, map[string]any{"message": "404"})
	}
}

func (s *service) repository(name, host string) map[string]any {
	page, ssh := "http://"+host+"/ada/"+name, "git@host.invalid:ada/"+name+".git"
	return map[string]any{"id": 12345678, "name": name, "clone_url": page + ".git", "ssh_url": ssh, "html_url": page, "web_url": page, "http_url_to_repo": page + ".git", "ssh_url_to_repo": ssh}
}

// TestHostingScripts runs the scripts that need a hosting service, at $API.
func TestHostingScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/hosting",
		Setup: func(env *testscript.Env) error {
			server := httptest.NewServer(&service{made: map[string]bool{}})
			env.Defer(server.Close)
			env.Setenv("API", server.URL)
			env.Setenv("DATALAD_CREDENTIAL_X_TOKEN", "tok")
			return isolate(env)
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}
