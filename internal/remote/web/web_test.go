package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// open returns the web; key and address go into its logs.
func open(t *testing.T, k annexkey.Key, settings [][2]string, urls ...string) *Web {
	t.Helper()
	logs := remotetest.NewLogs()
	var log []byte
	for i, u := range urls {
		log = fmt.Appendf(log, "%ds 1 %s\n", i+1, u)
	}
	logs.Files[annexlog.KeyPath(k, annexlog.URLSuffix)] = log
	w, err := Open(remote.Setup{Spec: remote.Spec{Name: "web", UUID: remote.WebUUID}, Settings: git.NewConfig(settings...), Logs: logs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func anyAddress() [][2]string { return [][2]string{{"annex.security.allowed-ip-addresses", "all"}} }

func serve(t *testing.T, content []byte) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/f" {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "f", time.Time{}, bytes.NewReader(content))
	}))
	t.Cleanup(srv.Close)
	return srv
}

func fetch(t *testing.T, r remote.Remote, k annexkey.Key) ([]byte, error) {
	t.Helper()
	dst := filepath.Join(t.TempDir(), "got")
	h := sha256.New()
	if err := r.Fetch(context.Background(), k, dst, h); err != nil {
		if _, serr := os.Lstat(dst); serr == nil {
			t.Error("a file was left")
		}
		return nil, err
	}
	data, _ := os.ReadFile(dst)
	if sum := sha256.Sum256(data); !bytes.Equal(sum[:], h.Sum(nil)) {
		t.Error("the hash saw something else")
	}
	return data, nil
}

func TestWeb(t *testing.T) {
	content := remotetest.Bytes(200000, 1)
	srv := serve(t, content)
	k := remotetest.KeyOf(content)
	w := open(t, k, anyAddress(), srv.URL+"/gone", ":http://other.example/x", "yt:http://v.example/", srv.URL+"/f")
	if ok, err := w.Present(context.Background(), k); !ok || err != nil {
		t.Errorf("present: %v %v", ok, err)
	}
	if got, err := fetch(t, w, k); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	other := remotetest.KeyOf([]byte("x"))
	if _, err := fetch(t, w, other); !errors.Is(err, remote.ErrAbsent) {
		t.Errorf("without an address: %v", err)
	}
	w = open(t, k, anyAddress(), srv.URL+"/f")
	dst := filepath.Join(t.TempDir(), "part")
	os.WriteFile(dst, content[:70000], 0o600)
	h := sha256.New()
	h.Write(content[:70000])
	if err := w.FetchFrom(context.Background(), k, dst, 70000, h); err != nil || !k.Verify(h.Sum(nil)) {
		t.Errorf("resume: %v", err)
	}
}

func TestPrivateAddressesAndSchemesAreRefused(t *testing.T) {
	content := []byte("secret")
	srv := serve(t, content)
	k := remotetest.KeyOf(content)
	port := srv.URL[strings.LastIndexByte(srv.URL, ':')+1:]
	secret := filepath.Join(t.TempDir(), "f")
	os.WriteFile(secret, content, 0o600)
	redirect := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file://"+secret, http.StatusFound)
	}))
	defer redirect.Close()
	for _, u := range []string{
		srv.URL + "/f", "http://localhost:" + port + "/f", "http://[::1]:" + port + "/f", "http://[::ffff:127.0.0.1]:" + port + "/f",
		"http://10.0.0.1/f", "http://169.254.169.254/latest", "file://" + secret, "gopher://x/f", "http://0:" + port + "/f", "\x00", "http://%zz/",
	} {
		if got, err := fetch(t, open(t, k, nil, u), k); err == nil {
			t.Errorf("%q gave %q", u, got)
		}
		if ok, _ := open(t, k, nil, u).Present(context.Background(), k); ok {
			t.Errorf("%q is present", u)
		}
	}
	if _, err := fetch(t, open(t, k, anyAddress(), redirect.URL), k); err == nil {
		t.Error("a redirect to a file was followed")
	}
	allowed := [][2]string{{"annex.security.allowed-ip-addresses", "10.1.1.1 127.0.0.1:" + port}}
	if got, err := fetch(t, open(t, k, allowed, srv.URL+"/f"), k); err != nil || string(got) != "secret" {
		t.Errorf("an allowed address: %v", err)
	}
	if _, err := fetch(t, open(t, k, [][2]string{{"annex.security.allowed-ip-addresses", "127.0.0.1:1"}}, srv.URL+"/f"), k); err == nil {
		t.Error("another port is not allowed")
	}
	schemes := [][2]string{{"annex.security.allowed-url-schemes", "file"}}
	if got, err := fetch(t, open(t, k, schemes, "file://"+secret), k); err != nil || string(got) != "secret" {
		t.Errorf("an allowed file: %v", err)
	}
}

func TestHostileServers(t *testing.T) {
	content := remotetest.Bytes(10000, 2)
	k := remotetest.KeyOf(content)
	answers := map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		},
		"too long": func(w http.ResponseWriter, r *http.Request) { w.Write(append(bytes.Clone(content), 1)) },
		"cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10000")
			w.Write(content[:5000])
		},
		"short":    func(w http.ResponseWriter, r *http.Request) { w.Write(content[:5000]) },
		"error":    func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) },
	}
	for name, answer := range answers {
		srv := httptest.NewServer(answer)
		if got, err := fetch(t, open(t, k, anyAddress(), srv.URL), k); err == nil || errors.Is(err, remote.ErrAbsent) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		srv.CloseClientConnections()
		srv.Close()
	}
}

// TestRedirectsTellNothing keeps what is in a URL, such as a token, from the host
// that a server sends us to.
func TestRedirectsTellNothing(t *testing.T) {
	content := []byte("content")
	k := remotetest.KeyOf(content)
	var heard http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		heard = r.Header.Clone()
		w.Write(content)
	}))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL+"/f", http.StatusFound))
	defer srv.Close()
	address := strings.Replace(srv.URL, "http://", "http://user:geheim@", 1) + "/f?token=geheim"
	if _, err := fetch(t, open(t, k, anyAddress(), address), k); err != nil {
		t.Fatal(err)
	}
	for name, values := range heard {
		if name == "Referer" || strings.Contains(strings.Join(values, " "), "geheim") {
			t.Errorf("%s: %q", name, values)
		}
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	k := remotetest.KeyOf([]byte("x"))
	_, err := fetch(t, open(t, k, anyAddress(), "http://user:geheim@127.0.0.1:1/x"), k)
	if err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("%v", err)
	}
}

func TestHTTPAlso(t *testing.T) {
	dir := t.TempDir()
	srv := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer srv.Close()
	a, err := OpenAlso(remote.Setup{Spec: remote.Spec{Name: "h", UUID: "u"}, Settings: git.NewConfig(anyAddress()...), Config: map[string]string{"url": srv.URL + "/"}})
	if err != nil {
		t.Fatal(err)
	}
	odd, _ := annexkey.Parse("WORM-s3--a%b/c d.txt")
	for i, k := range []annexkey.Key{remotetest.KeyOf([]byte("abc")), odd} {
		for _, place := range places(k) {
			plain, _ := url.PathUnescape(place)
			path := filepath.Join(dir, plain)
			os.MkdirAll(filepath.Dir(path), 0o755)
			os.WriteFile(path, []byte("abc"), 0o644)
			if got, err := fetch(t, a, k); err != nil || string(got) != "abc" {
				t.Errorf("%d %s: %q %v", i, place, got, err)
			}
			if ok, err := a.Present(context.Background(), k); !ok || err != nil {
				t.Errorf("%s: %v %v", place, ok, err)
			}
			os.RemoveAll(filepath.Join(dir, strings.Split(plain, "/")[0]))
		}
		if ok, err := a.Present(context.Background(), k); ok || err != nil {
			t.Errorf("gone: %v %v", ok, err)
		}
	}
	if a.Store(context.Background(), odd, remote.Content{}) == nil || a.Remove(context.Background(), odd) == nil {
		t.Error("it can be written to")
	}
}

var _ io.Closer = (*Web)(nil)

// TestBusyServers say when to come back; what they say in the end names them.
func TestBusyServers(t *testing.T) {
	content := []byte("late")
	k := remotetest.KeyOf(content)
	asked, busy := 0, 2
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked <= busy {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Write(content)
	}))
	t.Cleanup(srv.Close)
	got, err := fetch(t, open(t, k, anyAddress(), srv.URL), k)
	if err != nil || string(got) != "late" {
		t.Errorf("%q %v", got, err)
	}
	asked, busy = 0, 1000
	if _, err := fetch(t, open(t, k, anyAddress(), srv.URL), k); err == nil || !strings.Contains(err.Error(), srv.URL) || asked > 10 {
		t.Errorf("%v after %d requests", err, asked)
	}
}
