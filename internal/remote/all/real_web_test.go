package all

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

func TestRsyncWithGitAnnex(t *testing.T) {
	t.Parallel()
	b := newBench(t, "rsync")
	b.git("annex", "initremote", "-q", "r", "type=rsync", "rsyncurl="+filepath.Join(b.base, "store"), "encryption=none")
	b.matrix("r")
}

func TestWebWithGitAnnex(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	files := t.TempDir()
	content := remotetest.Bytes(50000, 4)
	os.WriteFile(filepath.Join(files, "a b.dat"), content, 0o644)
	srv := httptest.NewServer(http.FileServer(http.Dir(files)))
	defer srv.Close()
	b.git("config", "annex.security.allowed-ip-addresses", "all")
	for _, args := range [][]string{{}, {"--fast"}, {"--relaxed"}} {
		name := "f" + strings.Join(args, "")
		b.git(append([]string{"annex", "addurl", "-q", "--file", name, srv.URL + "/a%20b.dat"}, args...)...)
		k, err := annexkey.Parse(strings.TrimSpace(b.git("annex", "lookupkey", name)))
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(t.Context(), b.setup("web"))
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := r.Present(t.Context(), k); !ok || err != nil {
			t.Errorf("%s: present %v %v", k, ok, err)
		}
		dst := filepath.Join(t.TempDir(), "got")
		if err := r.Fetch(t.Context(), k, dst, nil); err != nil {
			t.Errorf("%s: %v", k, err)
		} else if got, _ := os.ReadFile(dst); string(got) != string(content) {
			t.Errorf("%s: other content", k)
		}
	}
}

// TestHTTPAlsoWithGitAnnex reads what git-annex stored in chunks in another
// remote, whose settings the line for the web server inherits.
func TestHTTPAlsoWithGitAnnex(t *testing.T) {
	t.Parallel()
	b := newBench(t, "gpg")
	b.gpgHome()
	store := filepath.Join(b.base, "store")
	os.Mkdir(store, 0o755)
	srv := httptest.NewServer(http.FileServer(http.Dir(store)))
	defer srv.Close()
	b.git("config", "annex.security.allowed-ip-addresses", "all")
	b.git("annex", "initremote", "-q", "d", "type=directory", "directory="+store, "encryption=shared", "chunk=30kb")
	content := remotetest.Bytes(100000, 5)
	keys := b.add(map[string][]byte{"f": content})
	b.git("annex", "copy", "-q", "--to", "d", ".")
	b.git("annex", "initremote", "-q", "h", "type=httpalso", "url="+srv.URL, "--sameas=d")
	r, err := Open(t.Context(), b.setup("h"))
	if err != nil {
		t.Fatal(err)
	}
	b.wantFetched(r, keys["f"], content)
	if d, ok := r.(remote.Describer); !ok || len(d.Describe()) < 3 {
		t.Error("it does not describe itself")
	}
}
