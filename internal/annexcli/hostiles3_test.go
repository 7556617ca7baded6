package annexcli

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// withStranger is a world with a server that lists the files NAME=SIZE, all with
// one ETag, and sends the content of each.
func withStranger(t *testing.T, content func(name string) string, files ...string) *world {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Etag", `"e"`)
		if !r.URL.Query().Has("prefix") {
			fmt.Fprint(w, content(r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]))
			return
		}
		fmt.Fprint(w, "<ListBucketResult>")
		for _, f := range files {
			name, size, _ := strings.Cut(f, "=")
			fmt.Fprintf(w, "<Contents><Key>%s</Key><LastModified>2026-01-02T03:04:05Z</LastModified><ETag>e</ETag><Size>%s</Size></Contents>", name, size)
		}
		fmt.Fprint(w, "</ListBucketResult>")
	}))
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	host, port, _ := net.SplitHostPort(u.Host)
	w := both(t)
	w.must(t, `git config --global annex.security.allowed-ip-addresses all; git init -q a && cd a && git annex init -q`)
	w.must(t, fmt.Sprintf(`cd a && export AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=y && git annex initremote -q s type=S3 host=%s port=%s requeststyle=path signature=v4 encryption=none bucket=b importtree=yes`, host, port))
	return w
}

// TestImportOfContentsWithOneIdentifier: none is taken for one of another size.
func TestImportOfContentsWithOneIdentifier(t *testing.T) {
	t.Parallel()
	w := withStranger(t, func(name string) string { return strings.Repeat("x", len(name)) }, "a=1", "bbb=3", "c=1")
	w.must(t, `cd a && git annex import -q main --from s && git show s/main:a | grep -q s1-- && git show s/main:bbb | grep -q s3-- && git show s/main:c | grep -q s1--`)
}

// TestImportTriesFilesOnce: what cannot be fetched is said once, and nothing is
// left of it.
func TestImportTriesFilesOnce(t *testing.T) {
	t.Parallel()
	var sent atomic.Int32
	w := withStranger(t, func(name string) string {
		if name == "a" {
			sent.Add(1)
		}
		return "more than that"
	}, "a=1")
	w.must(t, `cd a && ! git annex import main --from s > ../out && grep -c 'import s' ../out | grep -qx 1 && test -z "$(ls .git/annex/tmp)"`)
	if n := sent.Load(); n != 1 {
		t.Errorf("it was asked for %d times", n)
	}
}
