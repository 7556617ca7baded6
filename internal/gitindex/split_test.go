package gitindex

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
	"pgregory.net/rapid"
)

// splitRepo has a split index with replaced, deleted and new entries.
func splitRepo(t testing.TB, version int, format gitobj.Format, n int, flags bool) snapshots {
	t.Helper()
	r := snapshots{repo: newRepo(t, version, format), saved: map[string][]byte{}}
	r.id = fill(t, r.repo, n)
	r.git(t, "", "update-index", "--split-index")
	save := func(name string) {
		data, err := os.ReadFile(r.index())
		mustNot(t, err)
		r.saved[name] = data
	}
	save("fresh")
	id := r.blob(t, "changed\n")
	r.git(t, fmt.Sprintf("100755 %[1]s\tdir00/sub0/file0000.dat\x00100644 %[1]s\tdir03/new\x000 %[2]s\tdir05/sub2/file0005.dat\x000 %[2]s\ta-b\x00100644 %[1]s\ta/b/zz\x00", id, format.Zero()),
		"update-index", "-z", "--index-info")
	save("plain")
	if flags {
		addFlags(t, r.repo, r.id)
		save("mixed")
	}
	return r
}

func checkEntries(t tester, r *repo) {
	t.Helper()
	f := r.open(t)
	if f.split == nil {
		t.Fatalf("the index is not split")
	}
	var b strings.Builder
	n := 0
	for e, err := range f.Entries() {
		mustNot(t, err)
		n++
		fmt.Fprintf(&b, "%v %s %d\t%s\x00", e.Mode, e.OID, e.Stage, e.Path)
		if got, ok := f.Lookup(e.Path); !ok || e.Stage < 2 && got != e {
			t.Fatalf("lookup %q: %+v", e.Path, got)
		}
	}
	if want := r.git(t, "", "ls-files", "-s", "-z"); b.String() != want {
		t.Fatalf("got\n%q\nwant\n%q", b.String(), want)
	}
	if n != f.Len() {
		t.Fatalf("%d entries, length %d", n, f.Len())
	}
	under := 0
	for e := range f.Under("dir03/sub0") {
		if under++; !strings.HasPrefix(e.Path, "dir03/sub0/") {
			t.Fatalf("under: %s", e.Path)
		}
	}
	if want := strings.Count(r.git(t, "", "ls-files", "-z", "dir03/sub0/"), "\x00"); under != want {
		t.Fatalf("%d entries under the directory, want %d", under, want)
	}
	if _, ok := f.Lookup("absent"); ok {
		t.Fatalf("found what is absent")
	}
}

func TestSplitIndexAgainstGit(t *testing.T) {
	for _, v := range variants {
		t.Run(fmt.Sprintf("v%d %s", v.version, v.format), func(t *testing.T) {
			r := splitRepo(t, v.version, v.format, 700, true)
			add := func(path string) Edit { return Edit{Path: path, Mode: gitobj.ModeFile, OID: r.id} }
			del := func(path string) Edit { return Edit{Path: path, Remove: true} }
			for _, name := range []string{"plain", "mixed"} {
				r.restore(t, r.saved[name])
				checkEntries(t, r.repo)
				for _, edits := range [][]Edit{
					nil, {add("\x01first"), add("\xff\xff\xfflast")}, {add("dir00/sub0/file0000.dat"), add("a-b"), del("a0")},
					{add("dir05/sub2/file0005.dat"), del("dir03/new"), add("x/y/z")}, {add("dir03")}, {add("a0/x/y"), add("a/b")},
					{del("a/b/c"), add("a/b")}, {del("a/b/zz"), add("a/b/zz/q")}, {add("intent"), del("conflict"), add("dir99")}, {del("dir04")},
				} {
					r.restore(t, r.saved[name])
					r.compare(t, edits)
				}
			}
		})
	}
}

func TestSplitIndexRandomAgainstGit(t *testing.T) {
	var repos []snapshots
	var ids []gitobj.OID
	for _, v := range variants {
		repos = append(repos, splitRepo(t, v.version, v.format, 600, true))
		ids = append(ids, repos[len(repos)-1].blob(t, "other"))
	}
	rounds := 0
	rapid.Check(t, func(rt *rapid.T) {
		if rounds++; rounds > 40 && os.Getenv("STEMMA_SOAK") == "" {
			return
		}
		i := rapid.IntRange(0, len(repos)-1).Draw(rt, "variant")
		r := repos[i]
		r.restore(t, r.saved[rapid.SampledFrom([]string{"fresh", "plain", "mixed"}).Draw(rt, "first")])
		for range rapid.IntRange(1, 2).Draw(rt, "rounds") {
			r.compare(rt, drawEdits(rt, r.repo, []gitobj.OID{r.id, ids[i]}))
			if r.open(rt).split != nil {
				checkEntries(rt, r.repo)
			}
		}
	})
}

// A racy entry of the shared file keeps its protection.
func TestSplitIndexRacyEntryStaysVisible(t *testing.T) {
	for _, version := range []int{2, 4} {
		r := racyRepo(t, version)
		for i := range 40 { // else git makes a new shared file
			r.write(t, fmt.Sprintf("more/%d", i), "x")
			r.setTime(t, fmt.Sprintf("more/%d", i), second.Add(-1e11))
		}
		r.git(t, "", "add", ".")
		r.git(t, "", "commit", "-q", "-m", "more")
		r.git(t, "", "update-index", "--split-index")
		r.setTime(t, ".git/index", second)
		r.editUnseen(t, "raced", "new\n")
		r.splice(t, []Edit{{Path: "other", Mode: gitobj.ModeFile, OID: r.blob(t, "o")}}, Options{})
		if f := r.open(t); f.split == nil {
			t.Fatal("the index is not split any more")
		}
		if got := r.status(t); !strings.Contains(got, "M raced") {
			t.Errorf("version %d: status %q", version, got)
		}
	}
}

func TestSplitIndexGrowsOnlySoFar(t *testing.T) {
	r := splitRepo(t, 2, gitobj.SHA1, 100, false)
	var edits []Edit
	for i := range 60 {
		edits = append(edits, Edit{Path: fmt.Sprintf("more/%d", i), Mode: gitobj.ModeFile, OID: r.id})
	}
	if err := r.open(t).Splice(&bytes.Buffer{}, edits, Options{}); !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	}
}

func TestDamagedSplitIndex(t *testing.T) {
	r := splitRepo(t, 2, gitobj.SHA1, 2000, false)
	good := r.open(t)
	path := good.Shared()
	if filepath.Dir(path) != filepath.Dir(r.index()) {
		t.Fatalf("shared file %s", path)
	}
	data, err := os.ReadFile(path)
	mustNot(t, err)
	for name, bad := range map[string][]byte{"short": data[:len(data)/2], "empty": {}, "other sum": append(data[:len(data)-1:len(data)-1], data[len(data)-1]^1),
		"count": append(append(bytes.Clone(data[:8]), 0xff, 0, 0, 0), data[12:]...)} {
		mustNot(t, os.Remove(path))
		mustNot(t, os.WriteFile(path, bad, 0o600))
		if _, err := Open(r.index(), r.format); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	mustNot(t, os.Remove(path))
	if _, err := Open(r.index(), r.format); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	// What is open already can still be read, or says that it cannot.
	mustNot(t, good.split.base.file.Close())
	for _, err = range good.Entries() {
	}
	if err == nil || good.Splice(&bytes.Buffer{}, []Edit{{Path: "x", Remove: true}}, Options{}) == nil {
		t.Error("an unreadable shared file went unnoticed")
	}
}

func TestEWAH(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		set := newBitmap(n * 7)
		for range n / 3 {
			set.set(random.IntN(max(1, n*7)))
		}
		text := appendEWAH([]byte{}, set)
		got, used := readEWAH(append(text, 1, 2, 3), n*7)
		if used != len(text) || fmt.Sprint(got) != fmt.Sprint(set) {
			t.Fatalf("%d bits: %d of %d bytes, %v for %v", n*7, used, len(text), got, set)
		}
	}
}

func FuzzEWAH(f *testing.F) {
	set := newBitmap(300)
	set.set(0)
	set.set(299)
	f.Add(appendEWAH(nil, set), 300)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		n &= 1<<16 - 1
		got, used := readEWAH(data, n)
		if used == 0 {
			return
		}
		again, _ := readEWAH(appendEWAH(nil, got), n)
		if fmt.Sprint(again) != fmt.Sprint(got) {
			t.Fatalf("%v became %v", got, again)
		}
	})
}
