package fsx

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	long := filepath.Join(dir, strings.Repeat("n", 255))
	if err := WriteFile(long, []byte("x"), 0o640); err != nil {
		t.Fatal(err)
	}
	if fi, _ := os.Stat(long); fi.Mode().Perm() != 0o640 {
		t.Error(fi.Mode())
	}
	os.Remove(long)
	outside := filepath.Join(t.TempDir(), "outside")
	os.WriteFile(outside, []byte("keep"), 0o644)
	link := filepath.Join(dir, "f")
	os.Symlink(outside, link)
	if err := WriteFile(link, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(outside); string(b) != "keep" {
		t.Error("wrote through a symlink")
	}
	os.Mkdir(dir+"/g", 0o755)
	if err := WriteFile(dir+"/g", nil, 0o644); err == nil {
		t.Error("replaced a folder")
	}
	noLeftovers(t, dir, "f", "g")
}

func TestReplaceWithSymlinkNeverVanishes(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/f"
	os.WriteFile(path, []byte("x"), 0o644)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 500 {
			if err := ReplaceWithSymlink(path, "target"); err != nil {
				t.Error(err)
			}
		}
	}()
	for {
		if _, err := os.Lstat(path); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			if got, err := os.Readlink(path); got != "target" {
				t.Error(got, err)
			}
			noLeftovers(t, dir, "f")
			return
		default:
		}
	}
}

func TestSync(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(dir+"/f", []byte("x"), 0o444)
	for name, err := range map[string]error{"file": SyncFile(dir + "/f"), "dir": SyncDir(dir), "fs": SyncFS(dir + "/f")} {
		if err != nil {
			t.Error(name, err)
		}
	}
	if SyncFile(dir+"/none") == nil || SyncDir(dir+"/none") == nil || SyncFS(dir+"/none") == nil {
		t.Error("synced what is not there")
	}
}

func TestCopy(t *testing.T) {
	data := make([]byte, 3<<20+17)
	rand.New(rand.NewSource(1)).Read(data)
	when := time.Unix(1234567890, 987654000)
	for _, opt := range []CopyOptions{
		{},
		{NoReflink: true, KeepMode: true, KeepTime: true, Sync: true},
		{Hash: sha256.New(), KeepMode: true, KeepTime: true},
		{Perm: 0o600},
	} {
		dir := t.TempDir()
		src, link, dst := dir+"/src", dir+"/link", dir+"/dst"
		os.WriteFile(src, data, 0o444)
		os.Chtimes(src, when, when)
		os.Symlink("src", link)
		os.Symlink("nowhere", dst)
		res, err := Copy(t.Context(), dst, link, opt)
		if err != nil || res.Size != int64(len(data)) {
			t.Fatal(res, err)
		}
		fi, err := os.Lstat(dst)
		if err != nil || !fi.Mode().IsRegular() {
			t.Fatal(fi, err)
		}
		if opt.KeepMode != (fi.Mode().Perm() == 0o444) || opt.KeepTime != fi.ModTime().Equal(when) {
			t.Errorf("%+v: %v %v", opt, fi.Mode(), fi.ModTime())
		}
		sum := sha256.Sum256(data)
		if opt.Hash != nil && string(opt.Hash.Sum(nil)) != string(sum[:]) {
			t.Error("wrong hash")
		}
		if b, _ := os.ReadFile(dst); string(b) != string(data) {
			t.Error("wrong content")
		}
		noLeftovers(t, dir, "dst", "link", "src")
		t.Logf("%s", res.Method)
	}
}

// meddler is a hash that does something while the copy runs.
type meddler struct {
	hash.Hash
	do func()
}

func (m meddler) Write(p []byte) (int, error) {
	m.do()
	return m.Hash.Write(p)
}

func TestCopyFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	src, dst := dir+"/src", dir+"/dst"
	os.WriteFile(src, make([]byte, 3<<20), 0o644)
	os.WriteFile(dst, []byte("old"), 0o644)
	ctx, cancel := context.WithCancel(t.Context())
	fifo := dir + "/fifo"
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	grow := func() {
		f, _ := os.OpenFile(src, os.O_APPEND|os.O_WRONLY, 0)
		f.WriteString("x")
		f.Close()
	}
	for name, run := range map[string]func() error{
		"grown": func() error {
			return copyErr(t.Context(), dst, src, CopyOptions{NoReflink: true, Hash: meddler{sha256.New(), grow}})
		},
		"cancelled": func() error {
			return copyErr(ctx, dst, src, CopyOptions{NoReflink: true, Hash: meddler{sha256.New(), cancel}})
		},
		"fifo":     func() error { return copyErr(t.Context(), dst, fifo, CopyOptions{}) },
		"folder":   func() error { return copyErr(t.Context(), dst, dir, CopyOptions{}) },
		"missing":  func() error { return copyErr(t.Context(), dst, dir+"/none", CopyOptions{}) },
		"onto dir": func() error { return copyErr(t.Context(), dir, src, CopyOptions{}) },
	} {
		err := run()
		if err == nil || name == "grown" && !errors.Is(err, ErrChanged) || name == "cancelled" && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if b, _ := os.ReadFile(dst); string(b) != "old" {
			t.Errorf("%s: dst was changed", name)
		}
		noLeftovers(t, dir, "dst", "fifo", "src")
	}
}

func copyErr(ctx context.Context, dst, src string, opt CopyOptions) error {
	_, err := Copy(ctx, dst, src, opt)
	return err
}

func TestBeneath(t *testing.T) {
	root := t.TempDir()
	os.MkdirAll(root+"/d/e", 0o755)
	os.Symlink("/tmp", root+"/d/out")
	os.Symlink("e", root+"/d/in")
	os.WriteFile(root+"/file", nil, 0o644)
	for rel, ok := range map[string]bool{
		"a": true, "d/e/f": true, "d/new/x/y": true, "d/out": true, "file": true, "d/e/../f": true, ".": true,
		"": false, "..": false, "../x": false, "d/../../x": false, "/etc/passwd": false, "d/out/x": false,
		"d/in/x": false, "file/x": false, "a\x00b": false,
	} {
		err := Beneath(root, rel)
		var esc *EscapeError
		if (err == nil) != ok || err != nil && !errors.As(err, &esc) {
			t.Errorf("%q: %v", rel, err)
		}
	}
}

func FuzzBeneath(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "link/x", "a/../link/x", "./link/./x", "//x", ".//link//x"} {
		f.Add(s)
	}
	root := f.TempDir()
	os.Symlink("/", root+"/link")
	f.Fuzz(func(t *testing.T, rel string) {
		if Beneath(root, rel) != nil {
			return
		}
		dir, err := filepath.EvalSymlinks(filepath.Dir(filepath.Join(root, rel)))
		if err == nil && dir != filepath.Dir(root) && !strings.HasPrefix(dir+"/", root+"/") {
			t.Errorf("%q leads to %s", rel, dir)
		}
	})
}

// A killed process leaves its temporary file in the folder meant for that.
func TestTemporaryFilesElsewhere(t *testing.T) {
	dir := t.TempDir()
	tmp, path := filepath.Join(dir, "state", "tmp"), filepath.Join(dir, "work", "file")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	var during []string
	look := func(name string) error {
		during = append(during, name)
		return os.WriteFile(name, []byte("x"), 0o644)
	}
	if err := (place{tmpDir: tmp, path: path}).fill(func(name string) error {
		if _, err := os.Stat(tmp); err != nil {
			return err
		}
		return look(name)
	}); err != nil {
		t.Fatal(err)
	}
	if len(during) != 1 || filepath.Dir(during[0]) != tmp {
		t.Errorf("made as %v", during)
	}
	for name, err := range map[string]error{
		"symlink": ReplaceWithSymlinkVia(tmp, path, "target"),
		"write":   WriteFileVia(tmp, path, []byte("y"), 0o644),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// Where the folder for temporary files is on another file system, they are
// made beside the file.
func TestTemporaryFilesOnAnotherFileSystem(t *testing.T) {
	tmp, err := os.MkdirTemp("/dev/shm", "stemma-test-")
	if err != nil {
		t.Skip("no second file system:", err)
	}
	defer os.RemoveAll(tmp)
	path := filepath.Join(t.TempDir(), "file")
	if err := ReplaceWithSymlinkVia(tmp, path, "target"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Readlink(path); got != "target" {
		t.Errorf("%q %v", got, err)
	}
	if left, _ := os.ReadDir(tmp); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestReadlink(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{1, 127, 511, 512, 513, 3000} {
		target := strings.Repeat("x", n)
		link := filepath.Join(dir, fmt.Sprint(n))
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if got, err := Readlink(link); got != target || err != nil {
			t.Errorf("%d: %d bytes, %v", n, len(got), err)
		}
	}
	if _, err := Readlink(dir); err == nil {
		t.Error("a folder is no link")
	}
	if _, err := Readlink(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
