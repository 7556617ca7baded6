package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// linking is an area whose pool is in use, also when root runs the tests.
func linking(t *testing.T) *Area {
	t.Helper()
	root, err := FindArea(filepath.Join(t.TempDir(), "area [x]"))
	must(t, err)
	a, err := OpenArea(root, Options{})
	must(t, err)
	a.links = true
	a.noClones.Store(true)
	return a
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func text(path, content string) File {
	return File{Path: path, ID: "blob-" + content, Size: int64(len(content)), Write: func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}}
}

func (a *Area) job(t *testing.T, files ...File) (string, []Placed) {
	t.Helper()
	folder := NewName(a.Root)
	if !IsFolder(a.Root, folder) {
		t.Errorf("%s is not recognised", folder)
	}
	must(t, a.Make(folder))
	placed, err := a.Place(t.Context(), folder, files)
	must(t, err)
	return folder, placed
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return string(b)
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	x, err := os.Stat(a)
	must(t, err)
	y, err := os.Stat(b)
	must(t, err)
	return os.SameFile(x, y)
}

func TestSharedContentIsProtected(t *testing.T) {
	a := linking(t)
	object := filepath.Join(t.TempDir(), "object")
	must(t, os.WriteFile(object, []byte("big"), 0o444))
	big := File{Path: "d/big\n'x'", ID: "KEY", Size: 3, Source: object}
	own := text("out", "one")
	own.Own = true
	exec := text("run.sh", "one")
	exec.Exec = true
	all := []File{text("one", "one"), big, own, exec, {Path: "link", Link: "one"}}
	one, placed := a.job(t, all...)
	two, _ := a.job(t, all...)
	for path, shared := range map[string]bool{"one": true, big.Path: true, "out": false, "run.sh": true} {
		if same(t, filepath.Join(one, path), filepath.Join(two, path)) != shared {
			t.Errorf("%s: shared is %v", path, !shared)
		}
		fi, err := os.Lstat(filepath.Join(one, path))
		must(t, err)
		if mode := fi.Mode().Perm(); mode&0o222 != 0 != (path == "out") || mode&0o111 != 0 != (path == "run.sh") {
			t.Errorf("%s has mode %o", path, mode)
		}
	}
	if same(t, object, filepath.Join(one, big.Path)) {
		t.Error("the object itself was linked")
	}
	if target, err := os.Readlink(filepath.Join(one, "link")); err != nil || target != "one" {
		t.Error(target, err)
	}
	d, err := Inspect(one, placed)
	if must(t, err); d.Lost() || len(d.Changed) > 0 {
		t.Errorf("%+v", d)
	}

	// Somebody insists on writing: the object stays, no later job gets it.
	file := filepath.Join(one, big.Path)
	must(t, os.Chmod(file, 0o644))
	must(t, os.WriteFile(file, []byte("BAD"), 0o644))
	must(t, os.Chmod(file, 0o444))
	three, _ := a.job(t, all...)
	if read(t, object) != "big" || read(t, filepath.Join(three, big.Path)) != "big" {
		t.Error("a write went through")
	}
	if d, err = Inspect(one, placed); err != nil || len(d.Changed) != 1 || d.Lost() {
		t.Errorf("%+v %v", d, err)
	}
}

func TestInspect(t *testing.T) {
	a := linking(t)
	own := text("d/own", "1")
	own.Own = true
	folder, placed := a.job(t, text("d/gone", "12"), text("short", "123"), own)
	must(t, os.Remove(filepath.Join(folder, "d/gone")))
	must(t, os.Chmod(filepath.Join(folder, "short"), 0o644))
	must(t, os.Truncate(filepath.Join(folder, "short"), 1))
	must(t, os.WriteFile(filepath.Join(folder, "d/own"), nil, 0o644))
	d, err := Inspect(folder, placed)
	if must(t, err); !d.Lost() || strings.Join(d.Vanished, " ") != "d/gone" || strings.Join(d.Truncated, " ") != "short" || len(d.Changed) != 0 {
		t.Errorf("%+v", d)
	}
	if s := d.String(); s != "of its 3 staged files, 1 vanished and 1 were truncated (d/gone, …)" {
		t.Error(s)
	}
	must(t, Remove(folder))
	if d, err = Inspect(folder, placed); err != nil || !d.Lost() || !strings.Contains(d.String(), "is gone") {
		t.Errorf("%+v %v", d, err)
	}
}

func TestNothingIsLeftOfFailure(t *testing.T) {
	a := linking(t)
	kept, _ := a.job(t, text("a", "a"))
	folder := NewName(a.Root)
	must(t, a.Make(folder))
	bad := text("z", "z")
	bad.Write = func(context.Context, io.Writer) error { return syscall.ENOSPC }
	_, err := a.Place(t.Context(), folder, []File{text("a", "a"), text("new", "new"), bad})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "stage z: ") {
		t.Error(err)
	}
	if _, err := os.Lstat(folder); err == nil {
		t.Error("the folder is left")
	}
	u, err := PoolUsage(a.Root)
	if must(t, err); u.Files != 1 || read(t, filepath.Join(kept, "a")) != "a" {
		t.Errorf("%+v", u)
	}
	short := text("s", "short")
	short.Size = 9
	must(t, a.Make(folder))
	if _, err := a.Place(t.Context(), folder, []File{short}); err == nil || !strings.Contains(err.Error(), "5 bytes instead of 9") {
		t.Error(err)
	}
	must(t, a.Make(folder))
	for _, path := range []string{"../x", "/x", "", "up/x"} {
		must(t, os.MkdirAll(folder, 0o755))
		_ = os.Symlink(t.TempDir(), filepath.Join(folder, "up"))
		if _, err := a.Place(t.Context(), folder, []File{text(path, "x")}); err == nil {
			t.Errorf("%q was staged", path)
		}
	}
}

func TestPrunePool(t *testing.T) {
	a := linking(t)
	one, _ := a.job(t, text("a", "a"), text("b", "b"))
	two, _ := a.job(t, text("b", "b"))
	must(t, Remove(one))
	for _, dry := range []bool{true, false} {
		p, err := PrunePool(a.Root, dry)
		if must(t, err); p.Files != 1 || p.Bytes != 1 {
			t.Errorf("dry %v: %+v", dry, p)
		}
	}
	u, ok, err := UsageOf(two)
	if err != nil || !ok || u != (Usage{Files: 1, Bytes: 1, Inodes: 1, Shared: 1}) {
		t.Errorf("%+v %v %v", u, ok, err)
	}
	must(t, os.Mkdir(filepath.Join(two, "sub"), 0o755))
	must(t, os.Chmod(two, 0o555))
	must(t, Remove(two))
	if _, err := PrunePool(a.Root, false); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(a.Root); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

func TestArea(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Symlink(dir, filepath.Join(dir, "link")))
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o644))
	if root, err := FindArea(filepath.Join(dir, "link", "new")); err != nil || root != filepath.Join(dir, "new") {
		t.Error(root, err)
	}
	for _, bad := range []string{"a/b", "file", "file/x"} {
		if _, err := FindArea(filepath.Join(dir, bad)); err == nil {
			t.Errorf("%s is an area", bad)
		}
	}
	for path, want := range map[string]bool{
		"/r/stemma-abcdefghij23": true, "/r/stemma-abcdefghij2": false, "/r/stemma-abcdefghij2/": false, "/r/x/stemma-abcdefghij23": false,
		"/r/stemma-abcdefghij2.": false, "/r": false, "/r/stemma-ABCDEFGHIJ23": false,
	} {
		if IsFolder("/r", path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
	a, err := OpenArea(filepath.Join(dir, "new"), Options{Shared: 0o660})
	must(t, err)
	folder := NewName(a.Root)
	must(t, a.Make(folder))
	old := syscall.Umask(0o077)
	_, err = a.Place(t.Context(), folder, []File{text("d/f", "x")})
	syscall.Umask(old)
	must(t, err)
	for path, want := range map[string]os.FileMode{".": 0o770, "d": 0o770, "d/f": 0o440} {
		if fi, err := os.Stat(filepath.Join(folder, path)); err != nil || fi.Mode().Perm()&0o770 != want {
			t.Errorf("%s: %v %v", path, fi.Mode(), err)
		}
	}
	must(t, a.Discard(folder))
	if _, err := os.Stat(a.Root); err == nil {
		t.Error("the area is left")
	}
}

func TestSeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := fmt.Sprint(rapid.Int().Draw(t, "name"))
		now := time.Unix(rapid.Int64Range(sealPeriod, 1<<33).Draw(t, "sec"), rapid.Int64Range(0, 999999999).Draw(t, "nsec"))
		at := sealTime(path, now)
		if at.After(now) || now.Sub(at) > sealPeriod*time.Second+time.Second || !sealed(path, at) || !sealed(path, at.Truncate(time.Second)) {
			t.Errorf("%s at %v: %v", path, now, at)
		}
		if sealed(path, at.Add(time.Second)) || sealed(path, at.Add(-time.Nanosecond)) && at.Nanosecond() != 1 {
			t.Errorf("%s: other times are sealed", path)
		}
	})
}
