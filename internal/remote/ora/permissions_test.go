package ora

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// TestPermissions stores content that may not be written to, in folders that
// git-annex has protected, too.
func TestPermissions(t *testing.T) {
	for _, url := range []string{"ria+file://", "ria+ssh://host"} {
		t.Run(url, func(t *testing.T) {
			dir := store(t, "2")
			r := open(t, setup(t, url+dir, fakeSSH(t)))
			content := remotetest.Bytes(1000, 7)
			src, k := filepath.Join(t.TempDir(), "src"), remotetest.KeyOf(content)
			object := filepath.Join(dir, id[:3], id[3:], "annex/objects", k.ObjectPath())
			if err := os.WriteFile(src, content, 0o600); err != nil {
				t.Fatal(err)
			}
			// The umask of other programs is not ours to set: none of these has
			// bits that a usual one takes away.
			for source, folder := range map[fs.FileMode]fs.FileMode{0o444: 0o755, 0o400: 0o555, 0o640: 0o555} {
				if err := os.MkdirAll(filepath.Dir(object), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(filepath.Dir(object), folder); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(src, source); err != nil {
					t.Fatal(err)
				}
				if err := r.Store(t.Context(), k, remote.Content{Path: src, Size: int64(len(content))}); err != nil {
					t.Fatal(err)
				}
				wantMode(t, object, source)
				wantMode(t, filepath.Dir(object), folder)
				if err := r.Remove(t.Context(), k); err != nil {
					t.Fatal(err)
				}
				if _, err := os.Stat(filepath.Dir(object)); err == nil {
					t.Error("the key's folder is still there")
				}
			}
		})
	}
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	fi, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := fi.Mode().Perm(); got != want {
		t.Errorf("%s: mode %o, want %o", path, got, want)
	}
}
