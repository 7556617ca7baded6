package directory

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

func open(t *testing.T, dir string) *Remote {
	t.Helper()
	r, err := Open(remote.Setup{
		Spec:     remote.Spec{Name: "d", Kind: remote.Special, UUID: "u"},
		Settings: git.NewConfig([2]string{"remote.d.annex-directory", dir}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// store returns a folder that the test can clean up.
func folder(t *testing.T) string {
	dir := t.TempDir()
	t.Cleanup(func() {
		filepath.WalkDir(dir, func(p string, e os.DirEntry, err error) error {
			if err == nil && e.IsDir() {
				os.Chmod(p, 0o755)
			}
			return nil
		})
	})
	return dir
}

func TestConformance(t *testing.T) {
	remotetest.Run(t, func(t *testing.T) remotetest.Case {
		dir := folder(t)
		return remotetest.Case{Keeper: open(t, dir), Damage: func(t *testing.T, k annexkey.Key, content []byte) {
			object := filepath.Join(dir, filepath.FromSlash(k.ObjectPathLower()))
			os.Chmod(filepath.Dir(object), 0o755)
			os.Remove(object)
			if err := os.WriteFile(object, content, 0o444); err != nil {
				t.Fatal(err)
			}
		}}
	})
}

func TestLayoutIsGitAnnexs(t *testing.T) {
	dir := folder(t)
	r := open(t, dir)
	content := []byte("hello")
	k := remotetest.KeyOf(content)
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, content, 0o644)
	if err := r.Store(context.Background(), k, remote.Content{Path: src, Size: 5}); err != nil {
		t.Fatal(err)
	}
	object := filepath.Join(dir, k.HashLower(), k.File(), k.File())
	if fi, err := os.Stat(object); err != nil || fi.Mode().Perm() != 0o444 {
		t.Errorf("object: %v %v", fi, err)
	}
	if fi, err := os.Stat(filepath.Dir(object)); err != nil || fi.Mode().Perm() != 0o555 {
		t.Errorf("its folder: %v %v", fi, err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
}

func TestLeftoversOfKilledProcessesGo(t *testing.T) {
	dir := folder(t)
	old, fresh := filepath.Join(dir, "tmp", fsx.TempPrefix+"old"), filepath.Join(dir, "tmp", fsx.TempPrefix+"new")
	for _, d := range []string{old, fresh} {
		os.MkdirAll(d, 0o755)
	}
	past := time.Now().Add(-2 * leftoverAge)
	os.Chtimes(old, past, past)
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, []byte("x"), 0o600)
	if err := open(t, dir).Store(context.Background(), remotetest.KeyOf([]byte("x")), remote.Content{Path: src, Size: 1}); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 1 || left[0].Name() != filepath.Base(fresh) {
		t.Errorf("left: %v", left)
	}
}

func TestMixedLayoutIsRead(t *testing.T) {
	dir := folder(t)
	k := remotetest.KeyOf([]byte("x"))
	object := filepath.Join(dir, k.ObjectPath())
	os.MkdirAll(filepath.Dir(object), 0o755)
	os.WriteFile(object, []byte("x"), 0o444)
	if ok, err := open(t, dir).Present(context.Background(), k); !ok || err != nil {
		t.Errorf("present: %v %v", ok, err)
	}
}

func TestAnUnmountedDiskIsNotAbsence(t *testing.T) {
	r := open(t, filepath.Join(t.TempDir(), "gone"))
	if ok, err := r.Present(context.Background(), remotetest.KeyOf(nil)); ok || err == nil {
		t.Errorf("present: %v %v", ok, err)
	}
	if err := r.Remove(context.Background(), remotetest.KeyOf(nil)); err == nil {
		t.Error("removed from a disk that is not there")
	}
}

// TestTrees: folders of which only exports know, and such in which others work.
func TestTrees(t *testing.T) {
	for _, imports := range []string{"no", "yes"} {
		t.Run("import="+imports, func(t *testing.T) {
			remotetest.RunTree(t, func(t *testing.T) remotetest.Tree {
				dir := t.TempDir()
				x, err := OpenTree(remote.Setup{
					Spec:     remote.Spec{Name: "d", Kind: remote.Special, UUID: "u"},
					Settings: git.NewConfig([2]string{"remote.d.annex-directory", dir}), Config: map[string]string{"exporttree": "yes", "importtree": imports},
				})
				if err != nil {
					t.Fatal(err)
				}
				return remotetest.Tree{Exporter: x, Write: func(t *testing.T, path string, content []byte) {
					os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755)
					if err := os.WriteFile(filepath.Join(dir, path), content, 0o644); err != nil {
						t.Fatal(err)
					}
				}}
			})
		})
	}
}

// TestTreesFollowNoLinks: who can write to the folder must not lead an export
// out of it.
func TestTreesFollowNoLinks(t *testing.T) {
	dir, out := t.TempDir(), t.TempDir()
	os.Symlink(out, filepath.Join(dir, "d"))
	src := filepath.Join(t.TempDir(), "f")
	os.WriteFile(src, []byte("x"), 0o644)
	x, err := OpenTree(remote.Setup{Spec: remote.Spec{Name: "d"}, Settings: git.NewConfig([2]string{"remote.d.annex-directory", dir})})
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	f := remote.TreeContent{File: remote.TreeFile{Path: "d/x", Key: remotetest.KeyOf([]byte("x"))}, From: remote.Content{Path: src, Size: 1}}
	err = x.PutFiles(t.Context(), []remote.TreeContent{f}, func(_ int, _ string, err error) { failed = err })
	if left, _ := os.ReadDir(out); len(left) > 0 || err == nil && failed == nil {
		t.Errorf("%v %v %v", left, failed, err)
	}
}

// TestLeftoversOfAKeyGo: git-annex has begun to store it, and was killed.
func TestLeftoversOfAKeyGo(t *testing.T) {
	for age, stays := range map[time.Duration]bool{2 * time.Hour: false, time.Minute: true} {
		dir := folder(t)
		r := open(t, dir)
		src := filepath.Join(t.TempDir(), "f")
		os.WriteFile(src, []byte("abc"), 0o644)
		k, c := annexkey.New("WORM", "abc"), remote.Content{Path: src, Size: 3}
		part := filepath.Join(dir, "tmp", k.File(), k.File())
		os.MkdirAll(filepath.Dir(part), 0o755)
		os.WriteFile(part, []byte("a"), 0o644)
		then := time.Now().Add(-age)
		os.Chtimes(part, then, then)
		os.Chtimes(filepath.Dir(part), then, then)
		if ok, err := r.Present(t.Context(), k); ok || err != nil {
			t.Errorf("a part passes for content: %v", err)
		}
		if err := r.Store(t.Context(), k, c); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(part); (err == nil) != stays {
			t.Errorf("after %v: %v", age, err)
		}
	}
}
