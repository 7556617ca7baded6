package git

import (
	"fmt"
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
			for p, want := range map[string]string{"d/e/f": "d/e/f", "top": "top", "d": "", "d/sub": "", "nope/x": ""} {
				data, ok, err := r.BlobAt(t.Context(), head.OID, p)
				if string(data) != want || ok != (want != "") || err != nil {
					t.Errorf("content of %s: %q %v %v", p, data, ok, err)
				}
			}
			r.Close()
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

// TestATreeThatIsAskedOften is one in which names are looked up by hash.
func TestATreeThatIsAskedOften(t *testing.T) {
	r, env := newRepo(t)
	for i := range 50 {
		if err := os.WriteFile(r.Path(fmt.Sprint("f", i)), fmt.Append(nil, i), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runGit(t, r.WorkTree, env, "add", ".")
	runGit(t, r.WorkTree, env, "commit", "-q", "-m", "one")
	head, err := r.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		data, ok, err := r.BlobAt(t.Context(), head.OID, fmt.Sprint("f", i))
		if ok != (i < 50) || ok && string(data) != fmt.Sprint(i) || err != nil {
			t.Errorf("%d: %q %v %v", i, data, ok, err)
		}
	}
}
