package remotetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stemma-data/stemma/internal/remote"
)

// Tree is a place for exported trees with fresh, empty storage.
type Tree struct {
	remote.Exporter
	// Write puts a file there as somebody else would; nil where a test cannot.
	Write func(t *testing.T, path string, content []byte)
	// NoEscapes is set where a backslash before a wildcard cannot be in a name.
	NoEscapes bool
	// UTF8 is set where all names must be.
	UTF8 bool
	// Folders is set where a file cannot get the name that a folder had.
	Folders bool
	// Keeps is set where content that was replaced can still be imported.
	Keeps bool
}

// RunTree tests the places that fresh returns, one for each part.
func RunTree(t *testing.T, fresh func(t *testing.T) Tree) {
	parts := []struct {
		name string
		test func(*testing.T, *treeSuite)
	}{
		{"PutAndFetch", testTreePut}, {"Replace", testTreeReplace}, {"Delete", testTreeDelete}, {"Rename", testTreeRename},
		{"OddNames", testTreeOddNames}, {"Hostile", testTreeHostile}, {"Cancelled", testTreeCancelled}, {"BrokenPut", testTreeBroken},
		{"Import", testTreeImport}, {"OthersWrite", testTreeOthers}, {"History", testTreeHistory}, {"Kept", testTreeKept},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			p.test(t, &treeSuite{Tree: fresh(t), dir: t.TempDir(), ids: map[string][]string{}})
		})
	}
}

type treeSuite struct {
	Tree
	dir string
	ids map[string][]string // identifiers by content
}

// put exports files and returns the errors by path.
func (s *treeSuite) put(ctx context.Context, files map[string][]byte) (map[string]error, error) {
	var list []remote.TreeContent
	for path, content := range files {
		src := filepath.Join(s.dir, fmt.Sprintf("src-%x", sha256.Sum256(content)))
		if err := os.WriteFile(src, content, 0o600); err != nil {
			return nil, err
		}
		list = append(list, remote.TreeContent{File: s.file(path, content), From: remote.Content{Path: src, Size: int64(len(content))}})
	}
	failures := map[string]error{}
	err := s.PutFiles(ctx, list, func(i int, id string, err error) {
		if err != nil {
			failures[list[i].File.Path] = err
		} else if id != "" {
			content := files[list[i].File.Path]
			s.ids[string(content)] = append(s.ids[string(content)], id)
		}
	})
	return failures, err
}

func (s *treeSuite) mustPut(t *testing.T, files map[string][]byte) {
	t.Helper()
	if failures, err := s.put(t.Context(), files); err != nil || len(failures) > 0 {
		t.Fatal(failures, err)
	}
}

func (s *treeSuite) file(path string, content []byte) remote.TreeFile {
	return remote.TreeFile{Path: path, Key: KeyOf(content), IDs: s.ids[string(content)]}
}

func (s *treeSuite) has(t *testing.T, path string, content []byte) bool {
	t.Helper()
	there, err := s.HasFiles(t.Context(), []remote.TreeFile{s.file(path, content), s.file("no/such/file", nil)})
	if err != nil || len(there) != 2 || there[1] {
		t.Fatalf("has %s: %v %v", path, there, err)
	}
	return there[0]
}

func (s *treeSuite) fetch(t *testing.T, path string, content []byte) ([]byte, error) {
	dst := filepath.Join(s.dir, "fetched")
	os.Remove(dst)
	h := sha256.New()
	if err := s.FetchFile(t.Context(), s.file(path, content), dst, h); err != nil {
		if _, serr := os.Lstat(dst); serr == nil {
			t.Errorf("left a file after %v", err)
		}
		return nil, err
	}
	return readHashed(dst, h)
}

func (s *treeSuite) wantContent(t *testing.T, path string, content []byte) {
	t.Helper()
	if !s.has(t, path, content) {
		t.Errorf("%s is not there", path)
	}
	if got, err := s.fetch(t, path, content); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%s: %q %v, want %q", path, got, err, content)
	}
}

func (s *treeSuite) wantAbsent(t *testing.T, path string, content []byte) {
	t.Helper()
	if s.has(t, path, content) {
		t.Errorf("%s is there", path)
	}
	if _, err := s.fetch(t, path, content); !errors.Is(err, remote.ErrAbsent) {
		t.Errorf("fetch %s, which is not there: %v", path, err)
	}
}

func (s *treeSuite) remove(t *testing.T, files ...remote.TreeFile) (failed error) {
	t.Helper()
	heard := 0
	err := s.DeleteFiles(t.Context(), files, func(i int, err error) { heard++; failed = errors.Join(failed, err) })
	if err != nil || heard != len(files) {
		t.Errorf("delete: %v, heard of %d of %d", err, heard, len(files))
	}
	return failed
}

func testTreePut(t *testing.T, s *treeSuite) {
	files := map[string][]byte{"a": []byte("one"), "d/e/f": []byte("two two"), "d/g": {}, "d/copy": []byte("one"), "big": Bytes(300000, 1)}
	for path, content := range files {
		s.wantAbsent(t, path, content)
	}
	s.mustPut(t, files)
	for path, content := range files {
		s.wantContent(t, path, content)
	}
	s.mustPut(t, files) // once more is success
	s.wantContent(t, "d/e/f", files["d/e/f"])
	if s.has(t, "d", []byte("x")) {
		t.Error("a folder is a file")
	}
}

func testTreeReplace(t *testing.T, s *treeSuite) {
	first, second := []byte("first"), []byte("second version")
	s.mustPut(t, map[string][]byte{"x/y": first})
	s.ids[string(second)] = s.ids[string(first)] // what may be replaced
	s.mustPut(t, map[string][]byte{"x/y": second})
	s.wantContent(t, "x/y", second)
	s.mustPut(t, map[string][]byte{"x/z": second})
}

func testTreeDelete(t *testing.T, s *treeSuite) {
	one, two := []byte("one"), []byte("two")
	s.mustPut(t, map[string][]byte{"p/q/one": one, "p/two": two, "p/q*": one, "w": one})
	if err := s.remove(t, s.file("p/q/one", one), s.file("nothing/here", one)); err != nil {
		t.Error(err)
	}
	s.wantAbsent(t, "p/q/one", one)
	s.wantContent(t, "p/two", two)
	s.wantContent(t, "p/q*", one)
	if err := s.remove(t, s.file("p/q*", one)); err != nil {
		t.Error(err)
	}
	s.wantContent(t, "p/two", two)
	if s.Folders {
		return
	}
	s.mustPut(t, map[string][]byte{"p/q": one}) // where the folder was
	s.wantContent(t, "p/q", one)
}

func testTreeRename(t *testing.T, s *treeSuite) {
	r, ok := s.Exporter.(remote.Renamer)
	if !ok {
		t.Skip("it does not rename")
	}
	content := []byte("wanders")
	s.mustPut(t, map[string][]byte{"from/here": content, "taken": []byte("taken")})
	if err := r.RenameFile(t.Context(), s.file("from/here", content), "to/there/x"); err != nil {
		t.Fatal(err)
	}
	s.wantAbsent(t, "from/here", content)
	s.wantContent(t, "to/there/x", content)
	if err := r.RenameFile(t.Context(), s.file("from/here", content), "y"); !errors.Is(err, remote.ErrAbsent) {
		t.Errorf("rename of what is not there: %v", err)
	}
	if err := r.RenameFile(t.Context(), s.file("to/there/x", content), "taken"); err == nil {
		t.Error("renamed over another file")
	}
	if err := r.RenameFile(t.Context(), s.file("to/there/x", content), "../out"); err == nil {
		t.Error("renamed out of the tree")
	}
	s.wantContent(t, "to/there/x", content)
	s.wantContent(t, "taken", []byte("taken"))
}

func testTreeOddNames(t *testing.T, s *treeSuite) {
	names := []string{
		"a b/c d", "-rf", "x$(touch y)`z`;|&<>", "quote'\"", `back\slash`, "new\nline", "*", "[a]", "?", "日本/ä", "~", "#x", "a%20b", `\#012`, "tab\tx",
	}
	if !s.UTF8 {
		names = append(names, "\xff\xfe")
	}
	if !s.NoEscapes {
		names = append(names, `back\*star`)
	}
	files := map[string][]byte{}
	for i, name := range names {
		files[name] = fmt.Appendf(nil, "odd %d", i)
	}
	s.mustPut(t, files)
	var first, second []remote.TreeFile
	for i, name := range names {
		s.wantContent(t, name, files[name])
		if f := s.file(name, files[name]); i%2 == 0 {
			first = append(first, f)
		} else {
			second = append(second, f)
		}
	}
	if err := s.remove(t, first...); err != nil {
		t.Error(err)
	}
	for half, want := range map[bool][]remote.TreeFile{false: first, true: second} {
		there, err := s.HasFiles(t.Context(), want)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range want {
			if there[i] != half {
				t.Errorf("%q is there: %v", f.Path, there[i])
			}
		}
	}
}

func testTreeHostile(t *testing.T, s *treeSuite) {
	content := []byte("evil")
	for _, path := range []string{"../out", "a/../../out", "/abs", "a//b", ".git/hooks/x", "x/.GIT/config", ".", "", "a\x00b"} {
		if failures, err := s.put(t.Context(), map[string][]byte{path: content}); err == nil && failures[path] == nil {
			t.Errorf("%q was exported", path)
		}
		if there, err := s.HasFiles(t.Context(), []remote.TreeFile{s.file(path, content)}); err == nil && there[0] {
			t.Errorf("%q is there", path)
		}
		var failed error
		err := s.DeleteFiles(t.Context(), []remote.TreeFile{s.file(path, content)}, func(_ int, err error) { failed = err })
		if err == nil && failed == nil {
			t.Errorf("%q was deleted", path)
		}
	}
}

func testTreeCancelled(t *testing.T, s *treeSuite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	content := Bytes(100000, 3)
	if failures, err := s.put(ctx, map[string][]byte{"x": content}); err == nil && failures["x"] == nil {
		t.Error("exported under a context that has ended")
	}
	s.wantAbsent(t, "x", content)
}

func testTreeBroken(t *testing.T, s *treeSuite) {
	short := filepath.Join(s.dir, "short")
	if err := os.WriteFile(short, []byte("sh"), 0o600); err != nil {
		t.Fatal(err)
	}
	content := []byte("longer than the file")
	for _, src := range []string{short, filepath.Join(s.dir, "missing")} {
		var failed error
		f := remote.TreeContent{File: s.file("x", content), From: remote.Content{Path: src, Size: int64(len(content))}}
		err := s.PutFiles(t.Context(), []remote.TreeContent{f}, func(_ int, _ string, err error) { failed = err })
		if err == nil && failed == nil {
			t.Errorf("exported %s", src)
		}
		s.wantAbsent(t, "x", content)
	}
}

func testTreeImport(t *testing.T, s *treeSuite) {
	im, ok := s.Exporter.(remote.Importer)
	if !ok {
		t.Skip("nothing is imported from it")
	}
	s.mustPut(t, map[string][]byte{"ours": []byte("ours")})
	s.Write(t, "d/theirs", []byte("theirs"))
	list, err := im.ListFiles(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%v %v", list, err)
	}
	slices.SortFunc(list, func(a, b remote.Importable) int { return len(b.Path) - len(a.Path) })
	theirs, ours := list[0], list[1]
	if theirs.Path != "d/theirs" || theirs.Size != 6 || ours.Path != "ours" || !slices.Contains(s.ids["ours"], ours.ID) {
		t.Errorf("%+v, exported as %q", list, s.ids)
	}
	dst := filepath.Join(s.dir, "imported")
	h := sha256.New()
	if err := im.FetchContent(t.Context(), theirs, dst, h); err != nil {
		t.Fatal(err)
	}
	if got, err := readHashed(dst, h); err != nil || string(got) != "theirs" {
		t.Errorf("%q %v", got, err)
	}
	os.Remove(dst)
	s.Write(t, "d/theirs", []byte("changed since"))
	err = im.FetchContent(t.Context(), theirs, dst, nil)
	if got, _ := os.ReadFile(dst); s.Keeps {
		if err != nil || string(got) != "theirs" {
			t.Errorf("the old version: %q %v", got, err)
		}
		return
	}
	if !errors.Is(err, remote.ErrChanged) {
		t.Errorf("fetched another content: %v", err)
	}
	if _, err := os.Lstat(dst); err == nil {
		t.Error("left a file")
	}
}

// testTreeOthers: what somebody else wrote is neither replaced nor deleted.
func testTreeOthers(t *testing.T, s *treeSuite) {
	if _, ok := s.Exporter.(remote.Importer); !ok {
		t.Skip("only exports write there")
	}
	s.Write(t, "x", []byte("precious"))
	var unknown *remote.UnknownContentError
	failures, err := s.put(t.Context(), map[string][]byte{"x": []byte("ours"), "y": []byte("fine")})
	if err != nil || !errors.As(failures["x"], &unknown) || failures["y"] != nil {
		t.Errorf("replaced: %v %v", failures, err)
	}
	if err := s.remove(t, s.file("x", []byte("ours"))); !errors.As(err, &unknown) {
		t.Errorf("deleted: %v", err)
	}
	s.mustPut(t, map[string][]byte{"z": []byte("first")})
	s.Write(t, "z", []byte("edited"))
	if s.has(t, "z", []byte("first")) {
		t.Error("an edited file counts as what it was")
	}
	if err := s.remove(t, s.file("z", []byte("first"))); !errors.As(err, &unknown) {
		t.Errorf("deleted an edited file: %v", err)
	}
}

// testTreeHistory: what was there before is listed, and leads to what is there.
func testTreeHistory(t *testing.T, s *treeSuite) {
	h, ok := s.Exporter.(remote.Historian)
	if !ok {
		t.Skip("it has no history")
	}
	s.mustPut(t, map[string][]byte{"gone": []byte("gone"), "d/stays": []byte("first")})
	s.Write(t, "d/stays", []byte("second version"))
	if err := s.remove(t, s.file("gone", []byte("gone"))); err != nil {
		t.Fatal(err)
	}
	history, err := h.ListHistory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now := map[string]remote.Importable{}
	contents := map[string]bool{}
	for _, changes := range history {
		for _, c := range changes {
			if delete(now, c.Path); c.Gone {
				continue
			}
			now[c.Path] = c.Importable
			dst := filepath.Join(t.TempDir(), "content")
			if err := h.FetchContent(t.Context(), c.Importable, dst, nil); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
			got, _ := os.ReadFile(dst)
			contents[string(got)] = true
		}
	}
	if !contents["gone"] || !contents["first"] || !contents["second version"] || len(now) != 1 {
		t.Errorf("%+v: %v, in the end %v", history, contents, now)
	}
	if list, err := h.ListFiles(t.Context()); err != nil || len(list) != 1 || list[0] != now["d/stays"] {
		t.Errorf("%v %v, by the history %v", list, err, now)
	}
}

// testTreeKept: content can be had by its key when its file is another one.
func testTreeKept(t *testing.T, s *treeSuite) {
	a, ok := s.Exporter.(remote.Archive)
	if !ok || a.Kept() == nil {
		t.Skip("it keeps no content")
	}
	old, other := []byte("old"), []byte("the other one")
	if ok, err := a.Kept().Present(t.Context(), KeyOf(old)); ok {
		t.Errorf("what was never there is kept: %v", err)
	}
	s.mustPut(t, map[string][]byte{"x": old, "y": other})
	s.ids[string(other)] = append(s.ids[string(other)], s.ids[string(old)]...)
	s.mustPut(t, map[string][]byte{"x": other})
	if err := s.remove(t, s.file("y", other)); err != nil {
		t.Fatal(err)
	}
	for _, content := range [][]byte{old, other} {
		k := KeyOf(content)
		lock, err := a.Kept().Lock(t.Context(), k)
		if err != nil || lock.Held() != nil {
			t.Errorf("%s: %v", content, err)
			continue
		}
		lock.Release()
		dst, h := filepath.Join(t.TempDir(), "content"), sha256.New()
		if err := a.Kept().Fetch(t.Context(), k, dst, h); err != nil {
			t.Errorf("%s: %v", content, err)
		} else if got, err := readHashed(dst, h); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%q %v, want %q", got, err, content)
		}
	}
}
