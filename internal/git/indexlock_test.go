package git

import (
	"os"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// A file that is written to after it was stored, within the second that git
// compares, must not look clean.
func TestWriteDistrustsChangedFile(t *testing.T) {
	r, env := newRepo(t)
	path := r.Path("f")
	old := time.Now().Add(-time.Minute).Truncate(time.Second)
	write := func(text string, nanos int) os.FileInfo {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		at := old.Add(time.Duration(nanos))
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		return fi
	}
	stored := write("one\n", 100)
	id := gitobj.OID(runGit(t, r.WorkTree, env, "hash-object", "-w", "f"))
	for _, c := range [][2]string{{"one\n", "A  f"}, {"two\n", "AM f"}} {
		text, want := c[0], c[1]
		if text != "one\n" {
			write(text, 200)
		}
		lock, err := r.NewIndexLock()
		if err != nil {
			t.Fatal(err)
		}
		if err := lock.Take(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		edit := gitindex.Edit{Path: "f", Mode: gitobj.ModeFile, OID: id, Stat: gitindex.StatOf(stored)}
		if err := lock.Write(t.Context(), []gitindex.Edit{edit}); err != nil {
			t.Fatal(err)
		}
		if err := lock.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := runGit(t, r.WorkTree, env, "status", "--porcelain"); got != want {
			t.Errorf("%q: status %q, want %q", text, got, want)
		}
		stored = write("one\n", 100)
	}
}

// What was prepared before the lock was taken counts only while the index stays
// as it was.
func TestPrepareIndex(t *testing.T) {
	r, env := newRepo(t)
	id := gitobj.OID(runGit(t, r.WorkTree, env, "hash-object", "-w", "--stdin"))
	edits := []gitindex.Edit{{Path: "ours", Mode: gitobj.ModeFile, OID: id}}
	for _, foreign := range []bool{false, true} {
		lock, err := r.NewIndexLock()
		if err != nil {
			t.Fatal(err)
		}
		lock.Prepare(t.Context(), edits)
		if lock.written == nil {
			t.Error("nothing was prepared")
		}
		want := "ours"
		if foreign {
			runGit(t, r.WorkTree, env, "update-index", "--add", "--cacheinfo", "100644,"+string(id)+",theirs")
			want = "ours\ntheirs"
		}
		if err := lock.Take(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		if err := lock.Write(t.Context(), edits); err != nil {
			t.Fatal(err)
		}
		if err := lock.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := runGit(t, r.WorkTree, env, "ls-files"); got != want {
			t.Errorf("index %q, want %q", got, want)
		}
	}
}
