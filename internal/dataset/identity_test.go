package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
)

// Without a name git refuses to commit; then nothing may be left behind.
func TestCreateWithoutIdentity(t *testing.T) {
	env := testEnv(t)
	var vars []string
	for _, kv := range env.Vars {
		if !strings.HasPrefix(kv, "GIT_AUTHOR") && !strings.HasPrefix(kv, "GIT_COMMITTER") && !strings.HasPrefix(kv, "EMAIL") {
			vars = append(vars, kv)
		}
	}
	env.Vars = append(vars, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=user.useConfigOnly", "GIT_CONFIG_VALUE_0=true")
	dir := filepath.Join(t.TempDir(), "a", "b")
	_, err := Create(t.Context(), CreateOptions{Path: dir}, env, result.Discard)
	if err == nil || errs.Hint(err) == "" {
		t.Errorf("error %v, hint %q", err, errs.Hint(err))
	}
	if _, err := os.Lstat(filepath.Dir(dir)); err == nil {
		t.Error("something was made")
	}
}
