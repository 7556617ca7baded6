package jobpath

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

func TestCanonical(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	must(t, os.MkdirAll(filepath.Join(top, "data/deep"), 0o755))
	must(t, os.Symlink("data", filepath.Join(top, "link")))
	must(t, os.Symlink("deep", filepath.Join(top, "data/abs")))
	must(t, os.Symlink("/", filepath.Join(top, "root")))
	must(t, os.Symlink("nowhere", filepath.Join(top, "dangling")))
	must(t, os.Symlink("loop", filepath.Join(top, "loop")))
	for text, want := range map[string]string{
		"a": "a", "./a": "a", "a//b/": "a/b", "a/../b": "b", ".": ".", "link": "data", "link/x": "data/x", "link/abs/x": "data/deep/x",
		"link/../x": "x", "link/abs/../x": "data/x", top + "/link/y": "data/y", top: ".", "dangling": "dangling", "loop": "loop",
		"root/etc": "/etc", "..": filepath.Dir(top), "root" + top + "/a": "a",
		"link/*.txt": "data data/*.txt", "*": ". *", "a/[bc]/d/": "a a/[bc]/d", "?/x": ". ?/x",
	} {
		spec, err := Canonical(top, top, text)
		must(t, err)
		got := spec.Fixed
		if spec.Wild() {
			got += " " + spec.Pattern
		}
		if got != want || spec.Outside != filepath.IsAbs(want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "a\x00b", "*/../x"} {
		if spec, err := Canonical(top, top, text); err == nil {
			t.Errorf("%q: %v", text, spec)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	top := f.TempDir()
	must(f, os.Symlink(".", filepath.Join(top, "self")))
	for _, s := range []string{"a", "self/self/../x", "*/b", "/etc", "../..", "a\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := Canonical(top, top, text)
		if err != nil {
			return
		}
		if spec.Outside != filepath.IsAbs(spec.Fixed) || path.Clean(spec.Fixed) != spec.Fixed || !spec.Outside && strings.HasPrefix(spec.Fixed, "../") {
			t.Errorf("%q: %+v", text, spec)
		}
	})
}

func TestMayMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, claim string
		want           bool
	}{
		{"res/*.txt", "res/a.txt", true}, {"res/*.txt", "res/a.dat", false}, {"*/x", "res", true}, {"**/x", "a/b/c", true},
		{"res/*/x", "res/1", true}, {"res/*/x", "other/1", false}, {"*.txt", "a.txt/b", true},
	} {
		if got := MayMatch(c.pattern, c.claim); got != c.want {
			t.Errorf("%s %s: %v", c.pattern, c.claim, got)
		}
	}
}
