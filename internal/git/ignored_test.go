package git

import (
	"maps"
	"os"
	"slices"
	"testing"
)

// TestIgnoredNames: names may be anybody's.
func TestIgnoredNames(t *testing.T) {
	r, _ := newRepo(t)
	if err := os.WriteFile(r.Path(".gitignore"), []byte("*.i\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), r.Path("link")); err != nil {
		t.Fatal(err)
	}
	paths := []string{"a", "b.i", ":!c", ":!d.i", ":(top)e", "link/f.i", "no/such/g.i", "*.i", "n\nl.i", "-i.i", ".gitignore/h.i"}
	got, err := r.Ignored(t.Context(), paths, true)
	want := []string{"*.i", "-i.i", ".gitignore/h.i", ":!d.i", "b.i", "n\nl.i", "no/such/g.i"}
	if list := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(list, want) {
		t.Errorf("%q %v, want %q", list, err, want)
	}
	for _, paths := range [][]string{nil, {"a"}, {"link/x"}} {
		if got, err := r.Ignored(t.Context(), paths, false); err != nil || len(got) > 0 {
			t.Errorf("%q: %v %v", paths, got, err)
		}
	}
}
