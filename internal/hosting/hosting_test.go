package hosting

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// fake is a small server with the documented API of one service.
func fake(t *testing.T, service string) (*httptest.Server, map[string]bool) {
	t.Helper()
	repos := map[string]bool{}
	mux := http.NewServeMux()
	k := kinds()[service]
	authorised := func(r *http.Request) bool { return r.Header.Get("Authorization") == "token secret" }
	reply := func(w http.ResponseWriter, status int, v any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	describe := func(owner, name string) map[string]any {
		page := "https://h/" + owner + "/" + name
		return map[string]any{"name": name, "private": true, "clone_url": page + ".git", "html_url": page, "ssh_url": "git@h:" + owner + "/" + name + ".git"}
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !authorised(r) {
			reply(w, http.StatusUnauthorized, map[string]any{"message": "bad token"})
			return
		}
		path := r.URL.EscapedPath()
		switch {
		case r.Method == http.MethodPost && (path == k.user || path == strings.ReplaceAll(k.group, "{organization}", "lab")):
			var body struct{ Name string }
			json.NewDecoder(r.Body).Decode(&body)
			if repos[body.Name] {
				status := http.StatusUnprocessableEntity
				if service == "gitea" {
					status = http.StatusConflict
				}
				reply(w, status, map[string]any{"message": "The repository with the same name already exists."})
				return
			}
			repos[body.Name] = true
			owner := "ada"
			if path != k.user {
				owner = "lab"
			}
			reply(w, http.StatusCreated, describe(owner, body.Name))
		case path == k.me:
			reply(w, http.StatusOK, map[string]any{"login": "ada"})
		case r.Method == http.MethodGet && path == strings.NewReplacer("{user}", "ada", "{repo}", "study").Replace(k.info):
			reply(w, http.StatusOK, describe("ada", "study"))
		default:
			reply(w, http.StatusNotFound, map[string]any{"message": "no such page " + path})
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv, repos
}

func TestCreateOnEveryService(t *testing.T) {
	for service := range kinds() {
		t.Run(service, func(t *testing.T) {
			srv, repos := fake(t, service)
			s := &Service{Kind: service, API: srv.URL, Token: "secret"}
			dry, err := s.Create(t.Context(), Request{Name: "study"}, true)
			if err != nil || len(repos) != 0 || !strings.Contains(dry.RequestBody, `"study"`) {
				t.Errorf("dry run: %+v %v", dry, err)
			}
			r, err := s.Create(t.Context(), Request{Name: "study", Private: true}, false)
			clone := "https://h/ada/study.git"
			if service == "gin" {
				clone = "https://h/ada/study"
			}
			if err != nil || r.Clone != clone || r.SSH == "" || !r.Private || r.Existed || r.Response["html_url"] != "https://h/ada/study" {
				t.Errorf("%+v %v", r, err)
			}
			if _, err := s.Create(t.Context(), Request{Name: "study"}, false); !errors.Is(err, ErrExists) {
				t.Errorf("made twice: %v", err)
			}
			if found, err := s.Find(t.Context(), Request{Name: "study"}); err != nil || !found.Existed || found.Clone == "" {
				t.Errorf("found %+v %v", found, err)
			}
			if r, err := s.Create(t.Context(), Request{Name: "other", Organization: "lab"}, false); err != nil || !strings.Contains(r.Clone, "/lab/") {
				t.Errorf("in an organisation: %+v %v", r, err)
			}
			s.Token = "wrong"
			if _, err := s.Create(t.Context(), Request{Name: "third"}, false); err == nil || !strings.Contains(err.Error(), "unauthorized") {
				t.Errorf("wrong token: %v", err)
			}
		})
	}
}

// A server that sends the request, and with it the token, somewhere else.
func TestTokenStaysAtHome(t *testing.T) {
	leaked := false
	thief := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaked = leaked || r.Header.Get("Authorization") != "" || r.Header.Get("Private-Token") != ""
	}))
	defer thief.Close()
	srv := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	for _, service := range []string{"github", "gin"} {
		s := &Service{Kind: service, API: srv.URL, Token: "secret"}
		if _, err := s.Create(t.Context(), Request{Name: "x"}, false); err == nil || leaked {
			t.Errorf("%s: leaked %v, %v", service, leaked, err)
		}
	}
}

func TestBadAnswersAndAddresses(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		w.Write([]byte("<html>oops"))
	}))
	defer srv.Close()
	s := &Service{Kind: "gitea", API: srv.URL, Token: "x"}
	if _, err := s.Create(t.Context(), Request{Name: "x"}, false); err == nil || !strings.Contains(err.Error(), "500") {
		t.Error(err)
	}
	for _, api := range []string{"", "file:///etc", "host.example"} {
		s := &Service{Kind: "gitea", API: api, Token: "x"}
		if _, err := s.Create(t.Context(), Request{Name: "x"}, false); err == nil {
			t.Errorf("%q was accepted", api)
		}
	}
	if _, err := (&Service{Kind: "nonsense"}).Create(t.Context(), Request{Name: "x"}, false); err == nil {
		t.Error("an unknown service was accepted")
	}
}
