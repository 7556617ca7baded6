package http_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	annexhttp "github.com/stemma-data/stemma/internal/remote/http"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/test/crash/rig"
)

// site is a web server with repositories that git-annex made.
type site struct {
	*rig.World
	*httptest.Server
	requests atomic.Int64
	sent     atomic.Int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	rig.Need(t, "git-annex")
	s := &site{World: rig.NewWorld(t, "/usr/bin/git")}
	files := http.FileServer(http.Dir(s.Root))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		files.ServeHTTP(countingWriter{w, &s.sent}, r)
	}))
	t.Cleanup(s.Server.Close)
	return s
}

type countingWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c countingWriter) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

func (s *site) run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, s.Env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository has the content, under a plain key and one with a slash in it.
func (s *site) repository(t *testing.T, name string, bare bool, content []byte) []annexkey.Key {
	t.Helper()
	dir := filepath.Join(s.Root, name)
	args := []string{"git", "init", "-q", dir}
	if bare {
		args = append(args, "--bare")
	}
	s.run(t, s.Root, args...)
	s.run(t, dir, "git", "annex", "init", name)
	odd, err := annexkey.Parse("URL--http://example.com/a%20b/c?d=1&e")
	if err != nil {
		t.Fatal(err)
	}
	keys := []annexkey.Key{remotetest.KeyOf(content), odd}
	for _, k := range keys {
		file := filepath.Join(s.Root, "content")
		os.WriteFile(file, content, 0o644)
		s.run(t, dir, "git", "annex", "setkey", k.String(), file)
	}
	return keys
}

func (s *site) setup(t *testing.T, path string, pairs ...[2]string) remote.Setup {
	pairs = append(pairs, [2]string{"annex.security.allowed-ip-addresses", "127.0.0.1"})
	return remote.Setup{
		Spec: remote.Spec{Name: "site", Kind: remote.Network, URL: s.URL + path}, Settings: git.NewConfig(pairs...), Env: s.Env, GitDir: t.TempDir(),
	}
}

func TestBothLayouts(t *testing.T) {
	s := newSite(t)
	content := remotetest.Bytes(200000, 3)
	for name, c := range map[string]struct {
		bare  bool
		paths []string
	}{"site": {false, []string{"/site/.git", "/site", "/site/"}}, "bare.git": {true, []string{"/bare.git"}}} {
		keys := s.repository(t, name, c.bare, content)
		uuid := s.run(t, filepath.Join(s.Root, name), "git", "config", "annex.uuid")
		for _, path := range c.paths {
			r, err := annexhttp.Open(t.Context(), s.setup(t, path))
			if err != nil || r.UUID() != uuid {
				t.Fatalf("%s: %v", path, err)
			}
			for _, k := range keys {
				before := s.requests.Load()
				if ok, err := r.Present(t.Context(), k); !ok || err != nil {
					t.Errorf("%s %s: %v %v", path, k, ok, err)
				}
				dst, h := filepath.Join(t.TempDir(), "dst"), sha256.New()
				if err := r.Fetch(t.Context(), k, dst, h); err != nil {
					t.Errorf("%s %s: %v", path, k, err)
				}
				if got, _ := os.ReadFile(dst); !bytes.Equal(got, content) {
					t.Errorf("%s %s: other content", path, k)
				}
				if n := s.requests.Load() - before; n != 2 {
					t.Errorf("%d requests", n)
				}
			}
			absent := remotetest.KeyOf([]byte("never there"))
			if ok, err := r.Present(t.Context(), absent); ok || err != nil {
				t.Errorf("absent: %v %v", ok, err)
			}
			if err := r.Fetch(t.Context(), absent, filepath.Join(t.TempDir(), "x"), nil); !errors.Is(err, remote.ErrAbsent) {
				t.Errorf("absent: %v", err)
			}
			r.Close()
		}
	}
}

func TestResume(t *testing.T) {
	s := newSite(t)
	content := remotetest.Bytes(2<<20, 4)
	k := s.repository(t, "site", false, content)[0]
	r, err := annexhttp.Open(t.Context(), s.setup(t, "/site/.git"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dst := filepath.Join(t.TempDir(), "dst")
	os.WriteFile(dst, content[:1<<20], 0o644)
	before, h := s.sent.Load(), sha256.New()
	h.Write(content[:1<<20])
	if err := r.FetchFrom(t.Context(), k, dst, 1<<20, h); err != nil || !k.Verify(h.Sum(nil)) {
		t.Error(err)
	}
	if n := s.sent.Load() - before; n != 1<<20 {
		t.Errorf("%d bytes were sent", n)
	}
}

func TestRefusals(t *testing.T) {
	s := newSite(t)
	s.repository(t, "site", false, []byte("x"))
	s.run(t, s.Root, "git", "init", "-q", "plain")
	for path, want := range map[string]error{"/nosuch": remote.ErrNoAnnex, "/plain": remote.ErrNoAnnex} {
		if _, err := annexhttp.Open(t.Context(), s.setup(t, path)); !errors.Is(err, want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	other := s.setup(t, "/site/.git")
	other.UUID = "22222222-2222-4222-8222-222222222222"
	r, err := annexhttp.Open(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	var mismatch *remote.MismatchError
	if _, err := r.Present(t.Context(), remotetest.KeyOf(nil)); !errors.As(err, &mismatch) {
		t.Errorf("another repository: %v", err)
	}
	private := s.setup(t, "/site/.git")
	private.Settings = git.NewConfig()
	if _, err := annexhttp.Open(t.Context(), private); err == nil || errors.Is(err, remote.ErrNoAnnex) {
		t.Errorf("an address of this machine was asked: %v", err)
	}
}

func TestHostileServer(t *testing.T) {
	content := []byte("abc")
	k := remotetest.KeyOf(content)
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"endless configuration": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := io.WriteString(w, strings.Repeat("[a]\n", 1000)); err != nil {
					return
				}
			}
		},
		"a page":        func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>no [such page</html>") },
		"too much":      tooMuch,
		"other content": func(w http.ResponseWriter, r *http.Request) { configOr(w, r, "") },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(answer))
			defer server.Close()
			s := &site{World: &rig.World{}, Server: server}
			r, err := annexhttp.Open(t.Context(), s.setup(t, "/r"))
			if err != nil {
				return
			}
			dst := filepath.Join(t.TempDir(), "dst")
			if err := r.Fetch(t.Context(), k, dst, nil); err == nil {
				t.Error("it was accepted")
			}
			if fi, err := os.Stat(dst); err == nil && fi.Size() > k.Size {
				t.Errorf("%d bytes were written", fi.Size())
			}
		})
	}
}

func configOr(w http.ResponseWriter, r *http.Request, text string) {
	if strings.HasSuffix(r.URL.Path, "/config") {
		text = "[annex]\n\tuuid = 33333333-3333-4333-8333-333333333333\n"
	}
	io.WriteString(w, text)
}

func tooMuch(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/config") {
		configOr(w, r, "")
		return
	}
	for {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return
		}
	}
}
