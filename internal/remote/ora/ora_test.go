package ora

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

const id = "8cfd1b4a-0000-4000-8000-000000000001"

// store makes a RIA store with the dataset, as create-sibling-ria does.
func store(t *testing.T, layout string) string {
	t.Helper()
	dir := t.TempDir()
	ds := filepath.Join(dir, id[:3], id[3:])
	if err := os.MkdirAll(ds, 0o755); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "ria-layout-version"), []byte("1|l\n"), 0o644)
	os.WriteFile(filepath.Join(ds, "ria-layout-version"), []byte(layout+"\n"), 0o644)
	os.WriteFile(filepath.Join(ds, "config"), []byte("[core]\n"), 0o644)
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", dir).Run() })
	return dir
}

func setup(t *testing.T, url string, settings ...[2]string) remote.Setup {
	return remote.Setup{
		Spec: remote.Spec{Name: "o", UUID: "u"}, GitDir: t.TempDir(), Env: os.Environ(),
		Settings: git.NewConfig(append(settings, [2]string{"annex.uuid", "here"}, [2]string{"annex.security.allowed-ip-addresses", "all"})...),
		Config:   map[string]string{"url": url, "archive-id": id},
	}
}

func open(t *testing.T, s remote.Setup) *Remote {
	t.Helper()
	r, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// fakeSSH runs on this machine what it is given for the host.
func fakeSSH(t *testing.T) [2]string {
	script := filepath.Join(t.TempDir(), "ssh.sh")
	os.WriteFile(script, []byte("#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nexec sh -c \"$1\"\n"), 0o755)
	return [2]string{"core.sshcommand", script}
}

func conform(t *testing.T, fresh func(t *testing.T, dir string) *Remote) {
	for _, layout := range []string{"1", "2"} {
		t.Run(layout, func(t *testing.T) {
			remotetest.Run(t, func(t *testing.T) remotetest.Case {
				dir := store(t, layout)
				r := fresh(t, dir)
				return remotetest.Case{Keeper: r, Damage: func(t *testing.T, k annexkey.Key, content []byte) {
					object := filepath.Join(dir, id[:3], id[3:], "annex/objects", r.member(k))
					os.Chmod(object, 0o644)
					if err := os.WriteFile(object, content, 0o644); err != nil {
						t.Fatal(err)
					}
				}}
			})
		})
	}
}

func TestConformanceOfFolders(t *testing.T) {
	conform(t, func(t *testing.T, dir string) *Remote { return open(t, setup(t, "ria+file://"+dir)) })
}

func TestConformanceBySSH(t *testing.T) {
	conform(t, func(t *testing.T, dir string) *Remote {
		return open(t, setup(t, "ria+ssh://host"+dir, fakeSSH(t)))
	})
}

func TestHTTPStoresAreRead(t *testing.T) {
	dir := store(t, "2")
	k, _ := annexkey.Parse("WORM-s3--a%b/c d.txt")
	for _, key := range []annexkey.Key{k, remotetest.KeyOf([]byte("abc"))} {
		src := filepath.Join(t.TempDir(), "f")
		os.WriteFile(src, []byte("abc"), 0o600)
		if err := open(t, setup(t, "ria+file://"+dir)).Store(context.Background(), key, remote.Content{Path: src, Size: 3}); err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(http.FileServer(http.Dir(dir)))
		r := open(t, setup(t, "ria+"+srv.URL))
		if err := r.Fetch(context.Background(), key, filepath.Join(t.TempDir(), "got"), nil); err != nil {
			t.Error(err)
		}
		if ok, err := r.Present(context.Background(), key); !ok || err != nil {
			t.Errorf("%v %v", ok, err)
		}
		if r.Store(context.Background(), remotetest.KeyOf([]byte("new")), remote.Content{Path: src, Size: 3}) == nil {
			t.Error("stored by http")
		}
		srv.Close()
	}
}

func TestAddressesOfContent(t *testing.T) {
	dir := store(t, "1")
	srv := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer srv.Close()
	k := remotetest.KeyOf([]byte("abc"))
	inStore, object := id[:3]+"/"+id[3:], "annex/objects/"+k.ObjectPathLower()
	for url, want := range map[string]string{
		"ria+file://" + dir:          dir + "/" + inStore + "/" + object,
		"ria+ssh://me:pw@host" + dir: "ssh://me@host: " + dir + "/" + inStore + ":" + k.ObjectPathLower(),
		"ria+" + srv.URL:             srv.URL + "/" + inStore + "/" + object,
	} {
		got, err := open(t, setup(t, url, fakeSSH(t))).Addresses(context.Background(), k)
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q %v, want %s", url, got, err, want)
		}
	}
}

func TestArchivesAreRead(t *testing.T) {
	if _, err := exec.LookPath("7z"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("7z is needed")
		}
		t.Skip("7z is not installed")
	}
	dir := store(t, "2")
	ds := filepath.Join(dir, id[:3], id[3:])
	content := remotetest.Bytes(100000, 1)
	odd, _ := annexkey.Parse("XFOO-s100000--a*b[c]")
	tree := t.TempDir()
	for _, k := range []annexkey.Key{remotetest.KeyOf(content), odd} {
		member := filepath.Join(tree, k.ObjectPath())
		os.MkdirAll(filepath.Dir(member), 0o755)
		os.WriteFile(member, content, 0o644)
	}
	os.Mkdir(filepath.Join(ds, "archives"), 0o755)
	cmd := exec.Command("7z", "a", filepath.Join(ds, "archives", "archive.7z"), ".")
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, s := range []remote.Setup{setup(t, "ria+file://"+dir), setup(t, "ria+ssh://host"+dir, fakeSSH(t))} {
		r := open(t, s)
		for _, k := range []annexkey.Key{remotetest.KeyOf(content), odd} {
			if ok, err := r.Present(context.Background(), k); !ok || err != nil {
				t.Errorf("present: %v %v", ok, err)
			}
			dst := filepath.Join(t.TempDir(), "got")
			if err := r.Fetch(context.Background(), k, dst, nil); err != nil {
				t.Errorf("fetch: %v", err)
			} else if got, _ := os.ReadFile(dst); string(got) != string(content) {
				t.Error("other content")
			}
			if r.Remove(context.Background(), k) == nil {
				t.Error("removed from an archive")
			}
		}
		absent := remotetest.KeyOf([]byte("absent"))
		if ok, err := r.Present(context.Background(), absent); ok || err != nil {
			t.Errorf("absent: %v %v", ok, err)
		}
		if err := r.Fetch(context.Background(), absent, filepath.Join(t.TempDir(), "x"), nil); !errors.Is(err, remote.ErrAbsent) {
			t.Errorf("absent: %v", err)
		}
	}
}

func TestUnknownVersionsAreReadOnly(t *testing.T) {
	dir := store(t, "7")
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, []byte("abc"), 0o600)
	k := remotetest.KeyOf([]byte("abc"))
	c := remote.Content{Path: src, Size: 3}
	s := setup(t, "ria+file://"+dir)
	told := ""
	s.Told = func(text string) { told += text }
	r := open(t, s)
	if err := r.Store(context.Background(), k, c); err == nil || !strings.Contains(err.Error(), "version 7") {
		t.Errorf("%v", err)
	}
	if !strings.HasPrefix(told, "Remote object tree reports version 7") {
		t.Errorf("told %q", told)
	}
	if ok, err := r.Present(context.Background(), k); ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	for _, setting := range []string{"remote.o.ora-force-write", "annex.ora-remote.o.force-write"} {
		forced := open(t, setup(t, "ria+file://"+dir, [2]string{setting, "true"}))
		if err := forced.Store(context.Background(), k, c); err != nil {
			t.Errorf("%s: %v", setting, err)
		}
	}
}

func TestAMissingStoreIsNotAbsence(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone")
	for _, s := range []remote.Setup{setup(t, "ria+file://"+gone), setup(t, "ria+ssh://h"+gone, fakeSSH(t)), setup(t, "ria+ssh://h"+gone, [2]string{"core.sshcommand", "/bin/false"})} {
		r := open(t, s)
		if ok, err := r.Present(context.Background(), remotetest.KeyOf(nil)); ok || err == nil || errors.Is(err, remote.ErrAbsent) {
			t.Errorf("%v %v", ok, err)
		}
		if err := r.Remove(context.Background(), remotetest.KeyOf(nil)); err == nil {
			t.Error("removed from a store that is not there")
		}
	}
}

func TestAddresses(t *testing.T) {
	s := setup(t, "ria+https://old.example.org/x", [2]string{"url.ria+file:///new/.insteadof", "ria+https://old.example.org/"})
	if r := open(t, s); r.read.base != "/new/x" {
		t.Errorf("rewritten: %+v", r.read)
	}
	s = setup(t, "ria+file:///a", [2]string{"remote.o.ora-url", "ria+file:///b"}, [2]string{"remote.o.ora-push-url", "ria+file:///c"})
	if r := open(t, s); r.read.base != "/b" || r.write.base != "/c" {
		t.Errorf("local: %+v %+v", r.read, r.write)
	}
	for _, bad := range []string{"", "file:///x", "ria+ftp://h/x", "ria+ssh://-oProxyCommand=x/y", "ria+file://rel", "ria+file:///x#frag", "ria+ssh:///x"} {
		if _, err := Open(setup(t, bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
	for _, bad := range []string{"", "abc", "../../etc", "a/b/c/d", "abc..", "....x", "abc.."} {
		s := setup(t, "ria+file:///x")
		s.Config["archive-id"] = bad
		if _, err := Open(s); err == nil {
			t.Errorf("id %q was accepted", bad)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("ria+ssh://u@h:22/p")
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := parseAddress(text); err == nil && strings.HasPrefix(a.host.Host, "-") {
			t.Errorf("%q: %+v", text, a)
		}
	})
}
