package git

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

func TestViewAgreesWithGit(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r, env := newRepo(t, "--object-format="+format)
		for _, p := range []string{"top", "d/e/f", "d/x y", "d.txt"} {
			if err := os.MkdirAll(filepath.Dir(r.Path(p)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(r.Path(p), []byte(p), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		runGit(t, r.WorkTree, env, "add", ".")
		runGit(t, r.WorkTree, env, "update-index", "--add", "--cacheinfo", "160000,"+string(r.Format.HashObject("blob", nil))+",d/sub")
		runGit(t, r.WorkTree, env, "commit", "-q", "-m", "one")
		head, err := r.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, packed := range []bool{false, true} {
			if packed {
				runGit(t, r.WorkTree, env, "gc", "-q")
			}
			v := r.View(head.OID)
			for _, p := range []string{"top", "d", "d/e/f", "d/x y", "d/sub", "."} {
				e, ok, err := v.Lookup(t.Context(), p)
				name := "HEAD:" + p
				if p == "." {
					name = "HEAD^{tree}"
				}
				if want := runGit(t, r.WorkTree, env, "rev-parse", name); err != nil || !ok || string(e.OID) != want {
					t.Errorf("%s packed %v %s: %v %v %v, want %s", format, packed, p, e, ok, err, want)
				}
			}
			for _, p := range []string{"nope", "top/x", "d/e/f/g", "d/sub/x", "d.txt/"} {
				if _, ok, err := v.Lookup(t.Context(), p); ok || err != nil {
					t.Errorf("%s: found %v, %v", p, ok, err)
				}
			}
			for p, want := range map[string]string{"d/sub": "d/sub", "d/sub/deep/x": "d/sub", "d/e": "", "nope": ""} {
				if got, err := v.Gitlink(t.Context(), p); got != want || err != nil {
					t.Errorf("gitlink above %s: %q, %v", p, got, err)
				}
			}
			v.Close()
		}
	}
	r, _ := newRepo(t)
	if _, ok, err := r.View("").Lookup(t.Context(), "x"); ok || err != nil {
		t.Errorf("no commit: %v %v", ok, err)
	}
	if _, _, err := r.View(gitobj.OID("12345678901234567890123456789012345678ab")).Lookup(t.Context(), "x"); err == nil {
		t.Error("a missing commit is no error")
	}
}
