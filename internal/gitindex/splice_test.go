package gitindex

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
	"pgregory.net/rapid"
)

// paths are names that sort or encode awkwardly.
var paths = []string{
	"a", "a.txt", "a-b", "a/b", "a/b/c", "a/b.c", "a/é", "a0", "b/c/d/e/f", "b/c/d", "b/c.d", "B", "z\nnew line", "tab\there",
	"\xff\xfe not utf-8", "日本/語", "spa ce/x", "q\"uote", "back\\slash", ".hidden/x", "dir/.gitignore", "git/.gitx",
	strings.Repeat("long/", 200) + "x", strings.Repeat("y", 4094), strings.Repeat("y", 4095), strings.Repeat("y", 4096), strings.Repeat("y", 4097),
}

// fill puts n ordinary files and the awkward ones that fit beside each other
// into the index, commits them (cache tree) and adds flags and conflicts.
func fill(t testing.TB, r *repo, n int) gitobj.OID {
	t.Helper()
	id := r.blob(t, "content\n")
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "100644 %s\tdir%02d/sub%d/file%04d.dat\x00", id, i%17, i%3, i)
	}
	for _, p := range []string{"a/b/c", "a-b", "a.txt", "a0", "z\nnew line", "日本/語", "\xff\xfe not utf-8", paths[len(paths)-2]} {
		fmt.Fprintf(&in, "100644 %s\t%s\x00", id, p)
	}
	r.git(t, in.String(), "update-index", "-z", "--index-info")
	r.git(t, "", "commit", "-q", "-m", "first")
	return id
}

func addFlags(t testing.TB, r *repo, id gitobj.OID) {
	t.Helper()
	r.git(t, "", "update-index", "--skip-worktree", "a/b/c")
	r.git(t, "", "update-index", "--assume-unchanged", "a0")
	r.write(t, "intent", "x")
	r.git(t, "", "add", "-N", "intent")
	r.git(t, fmt.Sprintf("100644 %[1]s 1\tconflict\n100644 %[1]s 2\tconflict\n100755 %[1]s 3\tconflict\n100644 %[1]s 2\tdir99/x\n", id),
		"update-index", "--index-info")
}

func TestParseAgainstGit(t *testing.T) {
	for _, v := range variants {
		t.Run(fmt.Sprintf("v%d %s", v.version, v.format), func(t *testing.T) {
			r := newRepo(t, v.version, v.format)
			addFlags(t, r, fill(t, r, 200))
			f := r.open(t)
			if want := max(v.version, 3); f.Version() != want {
				t.Errorf("version %d, want %d", f.Version(), want)
			}
			var b strings.Builder
			for e, err := range f.Entries() {
				mustNot(t, err)
				fmt.Fprintf(&b, "%v %s %d\t%s\x00", e.Mode, e.OID, e.Stage, e.Path)
				got, ok := f.Lookup(e.Path)
				if !ok || e.Stage < 2 && got != e {
					t.Errorf("lookup %q: %+v", e.Path, got)
				}
			}
			if want := r.git(t, "", "ls-files", "-s", "-z"); b.String() != want {
				t.Errorf("got\n%q\nwant\n%q", b.String(), want)
			}
			checkFlags(t, f)
		})
	}
}

func checkFlags(t *testing.T, f *File) {
	t.Helper()
	if e, _ := f.Lookup("a/b/c"); !e.SkipWorktree || e.AssumeValid || e.IntentToAdd {
		t.Errorf("skip-worktree: %+v", e)
	}
	if e, _ := f.Lookup("a0"); e.SkipWorktree || !e.AssumeValid || e.IntentToAdd {
		t.Errorf("assume-valid: %+v", e)
	}
	if e, _ := f.Lookup("intent"); e.SkipWorktree || e.AssumeValid || !e.IntentToAdd {
		t.Errorf("intent-to-add: %+v", e)
	}
	if _, ok := f.Lookup("absent"); ok {
		t.Error("found what is absent")
	}
	n := 0
	for e := range f.Under("dir03/sub1") {
		if n++; !strings.HasPrefix(e.Path, "dir03/sub1/") {
			t.Errorf("under: %s", e.Path)
		}
	}
	if n != 4 {
		t.Errorf("%d entries under the directory", n)
	}
}

func TestSpliceAgainstGit(t *testing.T) {
	add := func(path string) Edit { return Edit{Path: path, Mode: gitobj.ModeFile} }
	del := func(path string) Edit { return Edit{Path: path, Remove: true} }
	cases := map[string][]Edit{
		"nothing":               nil,
		"first and last":        {add("\x01first"), add("\xff\xff\xfflast")},
		"change":                {add("dir00/sub0/file0000.dat"), add("a-b")},
		"unsorted":              {add("zz"), add("b"), add("dir05/new"), del("a0"), add("a/b/b")},
		"twice":                 {add("x"), del("a0"), del("x"), add("a0")},
		"file for directory":    {add("dir03")},
		"directory for file":    {add("a0/x/y"), add("a0/x/z"), add("a0/b")},
		"both, removal written": {del("a/b/c"), add("a/b"), del("a-b"), add("a-b/c")},
		"unmerged resolved":     {add("conflict")},
		"unmerged under file":   {add("dir99")},
		"unmerged as directory": {add("conflict/a")},
		"unmerged removed":      {del("conflict")},
		"intent kept and lost":  {add("intent"), del("absent")},
		"long names":            {add(strings.Repeat("y", 4095)), del(strings.Repeat("y", 4096)), add(strings.Repeat("long/", 200) + "x")},
		"remove a directory":    {del("dir04")},
		"modes":                 {{Path: "l", Mode: gitobj.ModeSymlink}, {Path: "e", Mode: gitobj.ModeExec}, {Path: "m", Mode: gitobj.ModeGitlink}},
	}
	for _, v := range variants {
		r := newSnapshots(t, v.version, v.format)
		for name, edits := range cases {
			t.Run(fmt.Sprintf("v%d %s %s", v.version, v.format, name), func(t *testing.T) {
				r.restore(t, r.saved["mixed"])
				if name == "modes" { // git cannot write trees of unmerged indexes
					r.restore(t, r.saved["plain"])
				}
				edits = slices.Clone(edits)
				for i := range edits {
					edits[i].OID = r.id
				}
				r.compare(t, edits)
			})
		}
	}
}

// snapshots is a repository with some states of its index.
type snapshots struct {
	*repo
	id    gitobj.OID
	saved map[string][]byte // plain, flags, mixed (flags and conflicts)
}

func newSnapshots(t *testing.T, version int, format gitobj.Format) snapshots {
	t.Helper()
	s := snapshots{repo: newRepo(t, version, format), saved: map[string][]byte{}}
	save := func(name string) {
		data, err := os.ReadFile(s.index())
		mustNot(t, err)
		s.saved[name] = data
	}
	s.id = fill(t, s.repo, 100)
	save("plain")
	addFlags(t, s.repo, s.id)
	save("mixed")
	s.git(t, "", "update-index", "--force-remove", "conflict", "dir99/x")
	save("flags")
	return s
}

func (s snapshots) restore(t *testing.T, index []byte) {
	t.Helper()
	mustNot(t, os.WriteFile(s.index(), index, 0o666))
}

func TestSpliceRandomAgainstGit(t *testing.T) {
	var repos []snapshots
	var ids []gitobj.OID
	for _, v := range variants {
		repos = append(repos, newSnapshots(t, v.version, v.format))
		ids = append(ids, repos[len(repos)-1].blob(t, "other"))
	}
	rapid.Check(t, func(rt *rapid.T) {
		i := rapid.IntRange(0, len(repos)-1).Draw(rt, "variant")
		r := repos[i]
		r.restore(t, r.saved[rapid.SampledFrom([]string{"plain", "flags", "mixed"}).Draw(rt, "first")])
		for range rapid.IntRange(1, 2).Draw(rt, "rounds") {
			r.compare(rt, drawEdits(rt, r.repo, []gitobj.OID{r.id, ids[i]}))
		}
	})
}

func drawEdits(rt *rapid.T, r *repo, ids []gitobj.OID) []Edit {
	path := rapid.OneOf(rapid.SampledFrom(paths), rapid.StringMatching(`[ab](/[abc.]{1,2}x){0,3}`),
		rapid.StringMatching(`dir0[0-9](/sub[0-2](/file00[0-6][0-9].dat)?)?`))
	var out []Edit
	for _, p := range rapid.SliceOfNDistinct(path, 0, 12, rapid.ID).Draw(rt, "paths") {
		e := Edit{Path: p, Remove: rapid.Bool().Draw(rt, "remove"), OID: rapid.SampledFrom(ids).Draw(rt, "id")}
		e.Mode = rapid.SampledFrom([]gitobj.Mode{gitobj.ModeFile, gitobj.ModeExec, gitobj.ModeSymlink}).Draw(rt, "mode")
		if next := append(out, e); checkSet(next, r.format) {
			out = next
		}
	}
	return out
}

func checkSet(edits []Edit, format gitobj.Format) bool {
	_, err := prepare(edits, format)
	return err == nil
}

func TestSpliceOnMissingIndex(t *testing.T) {
	r := newRepo(t, 2, gitobj.SHA1)
	id := r.blob(t, "x")
	f := r.open(t)
	if f.Len() != 0 || !f.MTime().IsZero() {
		t.Fatalf("%d entries, time %v", f.Len(), f.MTime())
	}
	r.splice(t, []Edit{{Path: "b/x", Mode: gitobj.ModeFile, OID: id}, {Path: "a", Mode: gitobj.ModeExec, OID: id}}, Options{})
	if got := r.git(t, "", "ls-files"); got != "a\nb/x\n" {
		t.Errorf("git lists %q", got)
	}
	r.splice(t, []Edit{{Path: "b/x", Remove: true}, {Path: "a", Remove: true}}, Options{})
	if got := r.git(t, "", "ls-files"); got != "" {
		t.Errorf("git lists %q", got)
	}
}

func TestSpliceWithoutEditsKeepsBytes(t *testing.T) {
	for _, v := range variants {
		r := newRepo(t, v.version, v.format)
		fill(t, r, 300)
		old, err := os.ReadFile(r.index())
		mustNot(t, err)
		if got := spliced(t, r.open(t), nil, nothingRacy); !bytes.Equal(got, old) {
			t.Errorf("version %d %s: bytes changed", v.version, v.format)
		}
	}
}

func TestBadEdits(t *testing.T) {
	id := gitobj.SHA1.HashObject("blob", nil)
	for _, e := range []Edit{
		{Path: "", Remove: true}, {Path: "/a", Remove: true}, {Path: "a/", Remove: true}, {Path: "a//b", Remove: true},
		{Path: "../a", Remove: true}, {Path: "a/./b", Remove: true}, {Path: "x/.GIT/config", Remove: true}, {Path: "a\x00b", Remove: true},
		{Path: strings.Repeat("p/", maxPath), Remove: true},
		{Path: "a", Mode: gitobj.ModeTree, OID: id}, {Path: "a", OID: id}, {Path: "a", Mode: gitobj.ModeFile},
		{Path: "a", Mode: gitobj.ModeFile, OID: gitobj.SHA1.Zero()}, {Path: "a", Mode: gitobj.ModeFile, OID: gitobj.SHA256.EmptyTree()},
		{Path: "x/.gitmodules", Mode: gitobj.ModeSymlink, OID: id},
		{Path: "x/git~1/config", Mode: gitobj.ModeFile, OID: id}, {Path: ".git./hooks/x", Mode: gitobj.ModeExec, OID: id},
	} {
		var out bytes.Buffer
		if err := empty(gitobj.SHA1).Splice(&out, []Edit{e}, Options{}); !errors.Is(err, ErrBadEdit) || out.Len() > 0 {
			t.Errorf("%+v: %v", e, err)
		}
	}
	both := []Edit{{Path: "a/b", Mode: gitobj.ModeFile, OID: id}, {Path: "a", Mode: gitobj.ModeFile, OID: id}}
	if err := empty(gitobj.SHA1).Splice(&bytes.Buffer{}, both, Options{}); !errors.Is(err, ErrBadEdit) {
		t.Errorf("file and directory: %v", err)
	}
}

type failing struct{ left int }

func (w *failing) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestSpliceReportsWriteError(t *testing.T) {
	for _, left := range []int{0, 40} {
		if err := empty(gitobj.SHA1).Splice(&failing{left}, nil, Options{}); (err == nil) != (left == 40) {
			t.Errorf("%d bytes left: %v", left, err)
		}
	}
}
