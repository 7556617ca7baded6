package git

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// rawTree stores a tree with modes that only old programs have written; all its
// files have the same content.
func rawTree(t *testing.T, r *Repo, env []string, entries ...[2]string) gitobj.OID {
	t.Helper()
	store := func(kind string, text []byte) gitobj.OID {
		cmd := exec.Command("git", "-C", r.WorkTree, "hash-object", "--literally", "-w", "-t", kind, "--stdin")
		cmd.Env, cmd.Stdin = env, strings.NewReader(string(text))
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return gitobj.OID(strings.TrimSpace(string(out)))
	}
	blob := store("blob", []byte("old\n"))
	inner := store("tree", append([]byte("100644 inner\x00"), blob.Bytes()...))
	var text []byte
	for _, e := range entries {
		id := blob
		if strings.HasSuffix(e[0], "40000") {
			id = inner
		}
		text = append(fmt.Appendf(text, "%s %s\x00", e[0], e[1]), id.Bytes()...)
	}
	return store("tree", text)
}

// TestWriterKeepsOldModes: entries that are not changed stay as they are, byte by
// byte, and stand in git's order.
func TestWriterKeepsOldModes(t *testing.T) {
	r, env := newRepo(t)
	who, err := r.Identities(t.Context(), time.Unix(1700000000, 0))
	if err != nil {
		t.Fatal(err)
	}
	tree := rawTree(t, r, env, [2]string{"040000", "foo"}, [2]string{"100600", "odd"}, [2]string{"100664", "yoo"}, [2]string{"100644", "zoo"})
	w := r.WriteObjects(t.Context())
	defer w.Abort()
	if err := w.Begin(CommitSpec{Who: who, Message: "old"}); err != nil {
		t.Fatal(err)
	}
	w.Put("", gitobj.ModeTree, tree)
	old, again, err := w.End()
	if err != nil || again != tree {
		t.Fatalf("%s became %s: %v", tree, again, err)
	}
	spec := CommitSpec{Parents: []gitobj.OID{old}, Who: who, Message: "new", Changes: []TreeChange{{Path: "foo/none", Remove: true}}}
	blob, err := w.WriteBlob([]byte("new\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"foo-x", "d1/f", "d2/f", "d3/f", "d4/f", "d5/f"} {
		spec.Changes = append(spec.Changes, TreeChange{Path: p, Mode: gitobj.ModeFile, OID: blob})
	}
	_, tree, err = w.Commit(spec)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	raw, err := exec.Command("git", "-C", r.WorkTree, "cat-file", "tree", string(tree)).Output()
	if err != nil {
		t.Fatal(err)
	}
	last := -1
	for _, want := range []string{"40000 d5\x00", "100644 foo-x\x00", "040000 foo\x00", "100600 odd\x00", "100664 yoo\x00", "100644 zoo\x00"} {
		at := strings.Index(string(raw), want)
		if at <= last {
			t.Errorf("%q is at %d, after %d", want, at, last)
		}
		last = at
	}
}

// TestWriterChecksIDs: an id of another format makes no tree.
func TestWriterChecksIDs(t *testing.T) {
	r, _ := newRepo(t, "--object-format=sha256")
	w := r.WriteObjects(t.Context())
	defer w.Abort()
	sub := TreeChange{Path: "sub", Mode: gitobj.ModeGitlink, OID: gitobj.OID(strings.Repeat("ab", 20))}
	if _, _, err := w.Commit(CommitSpec{Message: "m", Changes: []TreeChange{sub}}); err == nil {
		t.Error("a commit was made of it")
	}
}

// TestWriterNoticesGarbageCollection: what git removes while a commit is made is
// written again, or the commit fails.
func TestWriterNoticesGarbageCollection(t *testing.T) {
	for _, late := range []bool{false, true} {
		r, env := newRepo(t)
		first := r.WriteObjects(t.Context())
		if _, err := first.WriteBlob([]byte("unreferenced\n")); err != nil {
			t.Fatal(err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		packs, err := filepath.Glob(filepath.Join(r.packDir(), "pack-*"))
		if err != nil || len(packs) != 2 {
			t.Fatalf("packs: %v, %v", packs, err)
		}
		old := time.Now().Add(-1000 * time.Hour)
		collect := func() {
			for _, p := range packs {
				if err := os.Remove(p); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, p := range packs {
			if err := os.Chtimes(p, old, old); err != nil {
				t.Fatal(err)
			}
		}
		w := r.WriteObjects(t.Context())
		if w.objs.packs(); !late { // they are known from now on
			collect()
		}
		blob, err := w.WriteBlob([]byte("unreferenced\n"))
		if err != nil {
			t.Fatal(err)
		}
		if late {
			if fi, err := os.Stat(strings.TrimSuffix(packs[0], filepath.Ext(packs[0])) + ".pack"); err != nil || time.Since(fi.ModTime()) > time.Hour {
				t.Errorf("the pack that is relied on looks old: %v, %v", fi.ModTime(), err)
			}
			collect()
		}
		if err := w.Begin(CommitSpec{Message: "m"}); err != nil {
			t.Fatal(err)
		}
		w.Put("f", gitobj.ModeFile, blob)
		if _, _, err := w.End(); err != nil {
			t.Fatal(err)
		}
		err = w.Close()
		if late != (err != nil) {
			t.Errorf("late %v: %v", late, err)
		}
		if !late {
			runGit(t, r.WorkTree, env, "cat-file", "blob", string(blob))
		}
	}
}

// TestPacksClosedWhileRead: readers see the packs again, or none.
func TestPacksClosedWhileRead(t *testing.T) {
	r, _ := newRepo(t)
	w := r.WriteObjects(t.Context())
	var ids []gitobj.OID
	for i := range 50 {
		id, err := w.WriteBlob([]byte(strings.Repeat(fmt.Sprint(i, " "), 1000)))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 20 {
				for _, id := range ids {
					if data, err := r.SmallBlob(t.Context(), id, -1); err != nil || r.Format.HashObject("blob", data) != id {
						t.Errorf("%s: %d bytes, %v", id, len(data), err)
						return
					}
				}
			}
		})
	}
	for range 200 {
		r.packs.close()
		time.Sleep(100 * time.Microsecond)
	}
	wg.Wait()
	r.Close()
}

// FuzzDamagedTree: a tree that is damaged makes an error or a tree, nothing else.
func FuzzDamagedTree(f *testing.F) {
	f.Add([]byte("100644 a\x0012345678901234567890100644 b\x0012345678901234567890"))
	f.Add([]byte("40000 a\x0012345678901234567890"))
	f.Add([]byte("100644 a"))
	f.Add([]byte("\x00\x00 "))
	dir := f.TempDir()
	if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		f.Fatalf("%v: %s", err, out)
	}
	r, err := Open(f.Context(), dir, Options{Env: os.Environ()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, tree []byte) {
		w := r.WriteObjects(t.Context())
		defer w.Abort()
		id, err := w.write(treeKind, tree, treeLevel)
		if err != nil {
			t.Fatal(err)
		}
		blob, err := w.WriteBlob([]byte("e"))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Begin(CommitSpec{Message: "m"}); err != nil {
			t.Fatal(err)
		}
		w.Put("", gitobj.ModeTree, id)
		for i := range 5 {
			w.Put(fmt.Sprintf("a%d/b", i), gitobj.ModeFile, blob)
		}
		w.changes([]TreeChange{{Path: "a", Remove: true}, {Path: "b/c", Remove: true}})
		if _, made, err := w.End(); err == nil && len(made) != 40 {
			t.Errorf("tree %q", made)
		}
	})
}
