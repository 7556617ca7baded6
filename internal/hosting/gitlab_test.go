package hosting

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gitlabSite is a small site with the documented API: groups and projects by
// their paths, and what was asked for.
type gitlabSite struct {
	groups, projects map[string]int
	posts            []string
}

func (s *gitlabSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply := func(status int, v any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	if r.Header.Get("Private-Token") != "secret" && r.Header.Get("Authorization") != "Bearer secret" {
		reply(http.StatusUnauthorized, map[string]any{"message": "401 Unauthorized"})
		return
	}
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4/"), "/")
	name, _ = url.PathUnescape(name)
	known := map[string]map[string]int{"groups": s.groups, "projects": s.projects}[kind]
	switch id, ok := known[name]; {
	case kind == "user":
		reply(http.StatusOK, map[string]any{"username": "ada"})
	case r.Method == http.MethodPost:
		var body map[string]any
		json.NewDecoder(r.Body).Decode(&body)
		text, _ := json.Marshal(body)
		s.posts = append(s.posts, kind+" "+string(text))
		reply(http.StatusCreated, map[string]any{"id": 90, "web_url": "https://h/x", "http_url_to_repo": "https://h/x.git"})
	case ok:
		reply(http.StatusOK, map[string]any{"id": id})
	default:
		reply(http.StatusNotFound, map[string]any{"message": "404 Not Found"})
	}
}

func TestGitLab(t *testing.T) {
	site := &gitlabSite{groups: map[string]int{"lab": 7, "lab/in": 8}, projects: map[string]int{"lab/there": 1}}
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	g := &GitLab{URL: srv.URL, Token: "secret"}
	if p, err := g.Project(t.Context(), "lab/there"); err != nil || p["id"] != int64(1) {
		t.Errorf("%v %v", p, err)
	}
	if p, err := g.Project(t.Context(), "lab/other"); err != nil || p != nil {
		t.Errorf("%v %v", p, err)
	}
	for path, want := range map[string][]string{
		"lab/a":          {`projects {"name":"a","namespace_id":7}`},
		"lab/in/a":       {`projects {"name":"a","namespace_id":8}`},
		"lab/new/_repo_": {`groups {"name":"new","parent_id":7,"path":"new"}`, `projects {"name":"_repo_","namespace_id":90}`},
		"new/a":          {`groups {"name":"new","path":"new"}`, `projects {"name":"a","namespace_id":90}`},
		"ada/a":          {`projects {"name":"a"}`},
		"a":              {`projects {"name":"a"}`},
	} {
		site.posts = nil
		p, err := g.CreateProject(t.Context(), path, "")
		if diff := cmp.Diff(want, site.posts); diff != "" || err != nil || p["http_url_to_repo"] == nil {
			t.Errorf("%s: %v %s", path, err, diff)
		}
	}
	if _, err := g.CreateProject(t.Context(), "x/y/a", ""); err == nil || !strings.Contains(err.Error(), "neither group x/y nor group x exists") {
		t.Error(err)
	}
	g.Header = "Authorization"
	if _, err := g.Project(t.Context(), "lab/there"); err != nil {
		t.Error(err)
	}
	g.Token = "wrong"
	if _, err := g.Project(t.Context(), "lab/there"); err == nil || !strings.Contains(err.Error(), "unauthorized: 401") {
		t.Error(err)
	}
}

func TestGitLabConfig(t *testing.T) {
	c, err := ParseGitLabConfig([]byte("# mine\n[DEFAULT]\nprivate_token = shared\n[global]\ndefault = one\n[one]\nURL: https://h/\nprivate_token = t\n  ; no\n[two]\nurl=http://i\noauth_token=o\nprivate_token=\n"), []byte("[one]\nprivate_token = la#t;er\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]GitLab{"one": {URL: "https://h", Token: "la#t;er"}, "two": {URL: "http://i", Token: "o", Header: "Authorization"}} {
		if g, ok, err := c.Site(name); g.URL != want.URL || g.Token != want.Token || g.Header != want.Header || !ok || err != nil {
			t.Errorf("%s: %+v %v", name, g, err)
		}
	}
	for _, name := range []string{"global", "DEFAULT", "three"} {
		if _, ok, _ := c.Site(name); ok {
			t.Errorf("%s is a site", name)
		}
	}
	for _, bad := range []string{"[one\nurl=x", "[one]\nsecret"} {
		if _, err := ParseGitLabConfig([]byte(bad)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzGitLabConfig(f *testing.F) {
	f.Add("[one]\nurl = https://h\n  and more\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseGitLabConfig([]byte(text)); err == nil {
			_, _, _ = c.Site("one")
		}
	})
}
