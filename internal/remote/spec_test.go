package remote

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stemma-data/stemma/internal/git"
)

func TestClassify(t *testing.T) {
	for _, c := range []struct {
		url, dir string
		kind     Kind
	}{
		{"../src", "/w/src", Path},
		{"/a/b/", "/a/b", Path},
		{"./a:b", "/w/t/a:b", Path},
		{"a/b:c", "/w/t/a/b:c", Path},
		{"host:path", "", Network},
		{"user@host:/path", "", Network},
		{"ssh://host/path", "", Network},
		{"https://host/path", "", Network},
		{"file:///a%20b/c", "/a b/c", Path},
		{"file://localhost/a", "/a", Path},
		{"file:///a%zz", "", Network},
		{"", "", Special},
	} {
		kind, dir := classify(c.url, "/w/t")
		if kind != c.kind || dir != c.dir {
			t.Errorf("%q: %v %q", c.url, kind, dir)
		}
	}
}

func TestListIsSortedByCost(t *testing.T) {
	cfg := git.NewConfig([][2]string{
		{"remote.web.url", "https://h/x"},
		{"remote.a.b.url", "/far"}, {"remote.a.b.annex-cost", "300"},
		{"remote.near.url", "/near"}, {"remote.near.annex-uuid", "U"}, {"remote.near.annex-trustlevel", "untrusted"},
		{"remote.s3.annex-uuid", "V"}, {"remote.s3.annex-ignore", "true"},
		{"remote.moved.url", "/old"}, {"remote.moved.annexurl", "/new"}, {"remote.moved.annex-cost", "50"},
		{"remote.pushdefault", "x"},
	}...)
	names := []string{}
	for _, s := range List(cfg, "/w") {
		names = append(names, s.Name)
	}
	if diff := cmp.Diff([]string{"moved", "near", "web", "s3", "a.b"}, names); diff != "" {
		t.Error(diff)
	}
	near := List(cfg, "/w")[1]
	if diff := cmp.Diff(Spec{Name: "near", URL: "/near", Dir: "/near", UUID: "U", Cost: 100, Trust: "untrusted"}, near); diff != "" {
		t.Error(diff)
	}
	if moved := List(cfg, "/w")[0]; moved.Dir != "/new" {
		t.Errorf("annexUrl: %+v", moved)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("file:///x")
	f.Add("a:b")
	f.Fuzz(func(t *testing.T, u string) {
		if kind, dir := classify(u, "/w"); kind == Path && (dir == "" || dir[0] != '/') {
			t.Errorf("%q: %q", u, dir)
		}
	})
}

func TestAddressesAreRewritten(t *testing.T) {
	cfg := git.NewConfig([][2]string{
		{"url.ssh://far/.insteadOf", "far:"}, {"url./disk/.insteadOf", "far:disk/"}, {"url.ssh://far/.insteadOf", "weit:"},
		{"remote.a.url", "far:x"}, {"remote.b.url", "far:disk/x"}, {"remote.c.url", "weit:y"}, {"remote.d.url", "near:z"},
	}...)
	got := map[string]string{}
	for _, s := range List(cfg, "/w") {
		got[s.Name] = s.URL
	}
	want := map[string]string{"a": "ssh://far/x", "b": "/disk/x", "c": "ssh://far/y", "d": "near:z"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
