package cli

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestWebScripts runs the scripts that need a web server, which they find at
// $WEB: /NAME.txt holds "content of NAME"; it calls /NAME.named.txt served.dat.
func TestWebScripts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/"), ".txt")
		if !ok {
			http.NotFound(w, r)
			return
		}
		if strings.HasSuffix(name, ".named") {
			w.Header().Set("Content-Disposition", `attachment; filename="served.dat"`)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("content of "+name+"\n"))
	}))
	t.Cleanup(server.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/web",
		Setup: func(env *testscript.Env) error {
			env.Setenv("WEB", server.URL)
			return isolate(env)
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}
