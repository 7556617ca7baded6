package annexmerge

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// The names are those that git-annex 10.20230126 gave.
func TestVariantsAreNamedAsByGitAnnex(t *testing.T) {
	for _, c := range []struct{ file, key, want string }{
		{"noext", "SHA256E-s204--c0c74543cc9dcc7f0ddc24eaced85c278aa3e357d3cb319977a8140d26268d06", "noext.variant-6a05"},
		{"f1.bin", "SHA256E-s201--ab3df617aaa3140f04dc53f65b5446f34a6b2bdbb1f7b78db8db4d067ba14db9.bin", "f1.variant-76f5.bin"},
		{"d/.hidden", "SHA256E-s203--2e0d2fe0abe5ed515f31233a722096d2d4061bfc8fc733df44dd1eace7ddff0b", "d/.variant-ae85.hidden"},
		{"d/a b.variant-abcd.tar.gz", "SHA256E-s202--916139a9353551422db94de6e03bca92d34749d37da3e43bd6c4011825b5142b.tar.gz",
			"d/a b.variant-abcd.tar.variant-SHA256E-s202--916139a9353551422db94de6e03bca92d34749d37da3e43bd6c4011825b5142b.tar.gz.gz"},
	} {
		k, err := annexkey.Parse(c.key)
		if err != nil {
			t.Fatal(err)
		}
		if got := variant(c.file, k); got != c.want {
			t.Errorf("%s: %s, want %s", c.file, got, c.want)
		}
	}
}

func TestSidesUnderTwoNamesAreOneConflict(t *testing.T) {
	e := func(id string) git.TreeEntry { return git.TreeEntry{Mode: gitobj.ModeFile, OID: gitobj.OID(id)} }
	got := withSiblings([]conflict{
		{path: "a", ours: e("1")}, {path: "a~ref", them: e("2")},
		{path: "b", ours: e("3"), them: e("4")}, {path: "b~ref", them: e("5")},
		{path: "c", them: e("6")}, {path: "c~HEAD", ours: e("7")},
		{path: "d~HEAD", ours: e("8")},
	})
	want := []conflict{
		{path: "a", sibling: "a~ref", ours: e("1"), them: e("2")},
		{path: "b", ours: e("3"), them: e("4")}, {path: "b~ref", them: e("5")},
		{path: "c", sibling: "c~HEAD", ours: e("7"), them: e("6")},
		{path: "d~HEAD", ours: e("8")},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(conflict{})); diff != "" {
		t.Error(diff)
	}
}
