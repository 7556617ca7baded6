package fsx

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// twoFolders makes root/a/b and outside/b, each with a file f.
func twoFolders(t *testing.T) (root, outside string) {
	t.Helper()
	root, outside = filepath.Join(t.TempDir(), "root"), filepath.Join(t.TempDir(), "outside")
	for _, dir := range []string{root + "/a/b", outside + "/b"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/f", []byte(dir), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root, outside
}

func TestOpenFolderFollowsNothing(t *testing.T) {
	root, outside := twoFolders(t)
	os.Symlink(outside, root+"/out")
	os.Symlink("a", root+"/in")
	os.Symlink(root, outside+"/root")
	for rel, ok := range map[string]bool{
		".": true, "a": true, "a/b": true, "a//b/": true, "out": false, "out/b": false, "in": false, "in/b": false, "a/b/f": false,
		"../outside": false, "a/../../outside": false, "": false, "/": false, "a\x00": false, ".git/../../x": false,
	} {
		dir, err := OpenFolder(outside+"/root", rel) // root's own path may be a link
		if err == nil {
			dir.Close()
		}
		if (err == nil) != ok || err != nil && !errors.As(err, new(*EscapeError)) {
			t.Errorf("%q: %v", rel, err)
		}
		top, err := openTop(root)
		if err != nil {
			t.Fatal(err)
		}
		if rel != "" && rel != "." && filepath.IsLocal(rel) {
			fd, err := top.walk(filepath.Clean(rel), false)
			if err == nil {
				(&Folder{fd, ""}).Close()
			}
			if (err == nil) != ok {
				t.Errorf("%q, one folder after the other: %v", rel, err)
			}
		}
		top.Close()
	}
	if _, err := OpenFolder(root, "a/no"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	dir, err := MakeFolder(root, "a/new/folder")
	if err != nil {
		t.Fatal(err)
	}
	dir.Close()
	if _, err := MakeFolder(root, "out/new"); err == nil {
		t.Error("made a folder behind a link")
	}
	if _, err := os.Lstat(outside + "/new"); err == nil {
		t.Error("there is a folder outside")
	}
}

// TestFolderStaysWhereItIs gives a folder's name to a link when it is open.
func TestFolderStaysWhereItIs(t *testing.T) {
	root, outside := twoFolders(t)
	seen, err := os.Lstat(root + "/a/b/f")
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.Lstat(outside + "/b/f")
	if err != nil {
		t.Fatal(err)
	}
	folders := NewFolders(root)
	defer folders.Close()
	if err := folders.In("a/b/f", func(*Folder, string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	os.Rename(root+"/a", root+"/was")
	os.Symlink(outside, root+"/a")
	err = folders.In("a/b/f", func(dir *Folder, name string) error {
		for _, c := range []struct {
			info os.FileInfo
			want bool
		}{{seen, true}, {foreign, false}} {
			if same, err := dir.Holds(name, c.info); err != nil || same != c.want {
				t.Errorf("%v %v", same, err)
			}
		}
		if err := dir.WriteFile(root, name, []byte("new"), 0o666); err != nil {
			return err
		}
		if _, err := dir.Copy(t.Context(), "copy", root+"/was/b/f", CopyOptions{TempDir: root}); err != nil {
			return err
		}
		return dir.Symlink(root, "link", "target")
	})
	if err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{root + "/was/b/f": "new", root + "/was/b/copy": "new", outside + "/b/f": outside + "/b"} {
		if got, err := os.ReadFile(name); string(got) != want {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if got, _ := os.Readlink(root + "/was/b/link"); got != "target" {
		t.Errorf("%q", got)
	}
	if list, _ := os.ReadDir(outside + "/b"); len(list) != 1 {
		t.Error(list)
	}
	if err := folders.In("a/c/f", func(*Folder, string) error { return nil }); err == nil {
		t.Error("a folder behind a link was opened")
	}
}

func TestBelowFollowsNoLink(t *testing.T) {
	root, outside := twoFolders(t)
	os.Symlink(outside, root+"/out")
	for name, do := range map[string]func(rel string) error{
		"copy": func(rel string) error {
			_, err := CopyBelow(t.Context(), root, rel, root+"/a/b/f", CopyOptions{TempDir: root})
			return err
		},
		"write":  func(rel string) error { return WriteFileBelow(root, rel, root, []byte("x"), 0o666) },
		"rename": func(rel string) error { return RenameBelow(root, rel, root+"/a/b/f") },
		"remove": func(rel string) error { return RemoveBelow(root, rel) },
	} {
		if err := do("out/b/f"); !errors.As(err, new(*EscapeError)) {
			t.Errorf("%s: %v", name, err)
		}
		if text, err := os.ReadFile(outside + "/b/f"); string(text) != outside+"/b" {
			t.Fatalf("%s changed the file outside: %v", name, err)
		}
	}
	if err := RenameBelow(root, "new/f", root+"/a/b/f"); err != nil {
		t.Error(err)
	}
	if err := RemoveBelow(root, "new/f"); err != nil {
		t.Error(err)
	}
}
