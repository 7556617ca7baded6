package discard

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRemoveAllStaysInside(t *testing.T) {
	top, outside := t.TempDir(), t.TempDir()
	for _, dir := range []string{top + "/tree/protected", outside + "/tree"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	os.Chmod(top+"/tree/protected", 0o555)
	os.Symlink(outside, top+"/link")
	os.Symlink(outside, top+"/tree/link")
	if err := removeAll(top, []string{"tree", "missing"}); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(top + "/tree"); err == nil {
		t.Error("the folder is still there")
	}
	for _, rel := range []string{"link/tree", "../" + filepath.Base(outside) + "/tree"} {
		if err := removeAll(top, []string{rel}); err == nil {
			t.Errorf("%s was removed", rel)
		}
	}
	if _, err := os.Lstat(outside + "/tree/f"); err != nil {
		t.Error(err)
	}
}
