package cost

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stemma-data/stemma/test/crash/rig"
	"github.com/stemma-data/stemma/test/s3server"
)

// TestSmallUploadsAreNotAskedFor: what is small and not on record at a bucket
// takes one request each. What is on record there is asked for, as in git-annex.
func TestSmallUploadsAreNotAskedFor(t *testing.T) {
	srv := s3server.Start(t)
	var mu sync.Mutex
	seen := map[string]int{}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(srv.Host, srv.Port)})
		p.Out.Host = p.In.Host // it is signed
		mu.Lock()
		defer mu.Unlock()
		seen[p.In.Method]++
	}})
	t.Cleanup(proxy.Close)
	where, _ := url.Parse(proxy.URL)

	r := rig.NewWorld(t, program).Dataset(t, "ds")
	const files = 20
	for i := range files {
		r.Write(fmt.Sprintf("f%d.bin", i), fmt.Sprint("\x00 content ", i))
	}
	r.Save("-m", "files")
	annex := func(args ...string) {
		t.Helper()
		cmd := r.Command(program, append([]string{"annex"}, args...)...)
		cmd.Env = append(cmd.Env, "AWS_ACCESS_KEY_ID="+s3server.Access, "AWS_SECRET_ACCESS_KEY="+s3server.Secret)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	r.Git("config", "annex.security.allowed-ip-addresses", "127.0.0.1")
	annex("initremote", "s", "type=S3", "host="+where.Hostname(), "port="+where.Port(), "bucket=few", "requeststyle=path", "encryption=none")
	count := func() (puts, heads int) {
		mu.Lock()
		defer mu.Unlock()
		puts, heads = seen[http.MethodPut], seen[http.MethodHead]
		clear(seen)
		return puts, heads
	}
	count()
	annex("copy", "--to", "s", ".")
	if puts, heads := count(); puts != files || heads != 0 {
		t.Errorf("the first copy put %d objects and asked for %d; want %d and 0", puts, heads, files)
	}
	annex("copy", "--to", "s", ".")
	if puts, heads := count(); puts != 0 || heads != files {
		t.Errorf("the second copy put %d objects and asked for %d; want 0 and %d", puts, heads, files)
	}
}
