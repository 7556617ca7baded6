package git

import (
	"crypto/md5"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// BenchmarkWriterLogs changes a thousand small files, each in two folders of its
// own, as a drop or get does on git-annex's branch.
func BenchmarkWriterLogs(b *testing.B) {
	dir := b.TempDir()
	if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	r, err := Open(b.Context(), dir, Options{Env: os.Environ()})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var paths []string
	for i := range 1000 {
		h := fmt.Sprintf("%x", md5.Sum(fmt.Append(nil, i)))
		paths = append(paths, h[:3]+"/"+h[3:6]+"/MD5E-s100000--"+h+".dat.log")
	}
	who := Identities{Author: gitobj.Identity{Name: "a", Email: "a@example.org", When: time.Now()}}
	who.Committer = who.Author
	change := func(w *ObjectWriter, tip gitobj.OID, n int) gitobj.OID {
		spec := CommitSpec{Who: who, Message: "update"}
		if tip != "" {
			spec.Parents = []gitobj.OID{tip}
		}
		if err := w.Begin(spec); err != nil {
			b.Fatal(err)
		}
		for _, p := range paths {
			w.PutData(p, gitobj.ModeFile, fmt.Appendf(nil, "%d.123456789s 1 3f2a9e0c-8a5f-4b0e-9c58-2f1f5a0d6f11\n", n))
		}
		commit, _, err := w.End()
		if err != nil {
			b.Fatal(err)
		}
		return commit
	}
	w := r.WriteObjects(b.Context())
	tip := change(w, "", 0)
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for n := 1; b.Loop(); n++ {
		w := r.WriteObjects(b.Context())
		change(w, tip, n)
		if err := w.pack.settle(); err != nil {
			b.Fatal(err)
		}
		w.Abort()
		r.lately = treeTexts{}
	}
}
