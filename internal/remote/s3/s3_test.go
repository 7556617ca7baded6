package s3

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
	"github.com/stemma-data/stemma/test/s3server"
)

func setupFor(t *testing.T, srv s3server.Server, bucket string, more map[string]string) remote.Setup {
	t.Helper()
	config := map[string]string{"type": "S3", "host": srv.Host, "port": srv.Port, "protocol": "http", "requeststyle": "path", "bucket": bucket, "encryption": "none"}
	for k, v := range more {
		config[k] = v
	}
	return remote.Setup{
		Spec: remote.Spec{Name: "s", UUID: "11111111-1111-4111-8111-111111111111"}, Config: config, GitDir: t.TempDir(),
		Settings: git.NewConfig([2]string{"annex.security.allowed-ip-addresses", "all"}), Logs: remotetest.NewLogs(),
		Env: []string{"AWS_ACCESS_KEY_ID=" + s3server.Access, "AWS_SECRET_ACCESS_KEY=" + s3server.Secret},
	}
}

func created(t *testing.T, s remote.Setup) *Remote {
	t.Helper()
	config, err := Create(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	s.Config = config
	r, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConformance(t *testing.T) {
	srv := s3server.Start(t)
	n := 0
	remotetest.Run(t, func(t *testing.T) remotetest.Case {
		n++
		bucket := "bucket" + string(rune('a'+n))
		r := created(t, setupFor(t, srv, bucket, map[string]string{"fileprefix": "pre/fix/", "partsize": "5MiB"}))
		return remotetest.Case{
			Keeper: r, Big: 12 << 20, NoOddKeys: true, // three parts; names are UTF-8
			NoDots: true, // this server keeps objects as files
			Damage: func(t *testing.T, k annexkey.Key, content []byte) {
				if err := os.WriteFile(filepath.Join(srv.Dir, bucket, "pre/fix", k.String()), content, 0o644); err != nil {
					t.Fatal(err)
				}
			}}
	})
}

func TestABucketOfAnotherRemoteIsRefused(t *testing.T) {
	srv := s3server.Start(t)
	s := setupFor(t, srv, "mine", nil)
	created(t, s)
	created(t, s) // again is fine
	s.UUID = "22222222-2222-4222-8222-222222222222"
	if _, err := Create(context.Background(), s); err == nil || !strings.Contains(err.Error(), "another special remote") {
		t.Errorf("%v", err)
	}
}

func TestCredentials(t *testing.T) {
	srv := s3server.Start(t)
	s := setupFor(t, srv, "creds", map[string]string{"embedcreds": "yes"})
	r := created(t, s)
	k := remotetest.KeyOf([]byte("x"))
	env := s.Env
	s.Env = nil
	try := func(name string, s remote.Setup, want bool) {
		t.Helper()
		r, err := Open(s)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Present(context.Background(), k)
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), s3server.Secret) {
			t.Errorf("%s: the secret is shown: %v", name, err)
		}
	}
	try("kept by Create", s, true)
	s.GitDir = t.TempDir()
	try("none", s, false)
	embedded := s
	embedded.Config = r.setup.Config
	try("embedded", embedded, true)
	s.GitDir = t.TempDir()
	s.Home = t.TempDir()
	os.Mkdir(filepath.Join(s.Home, ".aws"), 0o755)
	profile := "[work]\naws_access_key_id = " + s3server.Access + "\naws_secret_access_key = " + s3server.Secret + "\n"
	os.WriteFile(filepath.Join(s.Home, ".aws", "credentials"), []byte(profile), 0o600)
	try("another profile", s, false)
	s.Env = []string{"AWS_PROFILE=work"}
	try("profile", s, true)
	s.Env = []string{"AWS_ACCESS_KEY_ID=" + s3server.Access, "AWS_SECRET_ACCESS_KEY=wrong"}
	try("wrong", s, false)
	s.Env = env
	try("environment", s, true)
}

// TestVirtualHosts looks at what a client would ask of a host for each bucket.
func TestVirtualHosts(t *testing.T) {
	for _, c := range []struct{ host, style, want string }{
		{"s3.example.org", "", "https://b.s3.example.org/"}, {"s3.example.org", "path", "https://s3.example.org/b"},
		{"127.0.0.1", "", "https://127.0.0.1/b"}, {"", "", "https://b.s3.amazonaws.com/"},
	} {
		conf, err := readSettings(remote.Setup{Config: map[string]string{"bucket": "b", "host": c.host, "requeststyle": c.style, "protocol": "https", "public": "yes"}})
		if err != nil || strings.TrimSuffix(conf.public, "/") != strings.TrimSuffix(c.want, "/") {
			t.Errorf("%+v: %q %v", c, conf.public, err)
		}
	}
}

func TestPublicContentNeedsNoCredentials(t *testing.T) {
	content := []byte("for all")
	k := remotetest.KeyOf(content)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.URL.Path != "/b/p/"+k.String() {
			http.NotFound(w, r)
			return
		}
		w.Write(content)
	}))
	defer srv.Close()
	r, err := Open(remote.Setup{Spec: remote.Spec{Name: "s", UUID: "u"}, GitDir: t.TempDir(), Settings: git.NewConfig([2]string{"annex.security.allowed-ip-addresses", "all"}),
		Config: map[string]string{"bucket": "b", "fileprefix": "p/", "publicurl": srv.URL + "/b/"}})
	if err != nil {
		t.Fatal(err)
	}
	dst := filepath.Join(t.TempDir(), "got")
	if err := r.Fetch(context.Background(), k, dst, nil); err != nil {
		t.Error(err)
	}
	if ok, err := r.Present(context.Background(), remotetest.KeyOf([]byte("other"))); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if r.Store(context.Background(), k, remote.Content{Path: dst, Size: k.Size}) == nil {
		t.Error("stored without credentials")
	}
}

func TestVersionedBuckets(t *testing.T) {
	srv := s3server.Start(t)
	r := created(t, setupFor(t, srv, "versioned", map[string]string{"versioning": "yes"}))
	content := remotetest.Bytes(1000, 1)
	k := remotetest.KeyOf(content)
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, content, 0o600)
	ctx := context.Background()
	if err := r.Store(ctx, k, remote.Content{Path: src, Size: k.Size}); err != nil {
		t.Fatal(err)
	}
	client, _ := r.open(ctx)
	info, err := client.Stat(ctx, k.String(), "")
	if err != nil || info.Version == "" {
		t.Fatalf("%+v %v", info, err)
	}
	if err := r.Remove(ctx, k); err != nil {
		t.Error(err)
	}
	if ok, err := r.Present(ctx, k); ok || err != nil {
		t.Errorf("it was dropped: %v %v", ok, err)
	}
	if err := r.record(ctx, k, version{k.String(), info.Version}); err != nil {
		t.Fatal(err)
	}
	if ok, err := r.Present(ctx, k); !ok || err != nil {
		t.Errorf("its version is there: %v %v", ok, err)
	}
	if err := r.Fetch(ctx, k, filepath.Join(t.TempDir(), "got"), nil); err != nil {
		t.Error(err)
	}
	if err := r.Fetch(ctx, remotetest.KeyOf(nil), filepath.Join(t.TempDir(), "got"), nil); !errors.Is(err, remote.ErrAbsent) {
		t.Error(err)
	}
}

func TestADeadServerIsNotAbsence(t *testing.T) {
	srv := s3server.Server{Host: "127.0.0.1", Port: "1"}
	r, err := Open(setupFor(t, srv, "b", nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if ok, err := r.Present(ctx, remotetest.KeyOf(nil)); ok || err == nil || errors.Is(err, remote.ErrAbsent) {
		t.Errorf("%v %v", ok, err)
	}
}
