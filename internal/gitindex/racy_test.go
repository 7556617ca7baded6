package gitindex

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// second is the one in which the tests let files change; whole, so that no
// clock is involved.
var second = time.Unix(1_600_000_000, 0)

func (r *repo) setTime(t *testing.T, path string, when time.Time) {
	t.Helper()
	mustNot(t, os.Chtimes(filepath.Join(r.dir, path), when, when))
}

// edit gives the file other content of the same size within the same second.
// core.trustCTime is off in these tests: ctime cannot be set by hand, and in
// a true race it is the same second as well.
func (r *repo) editUnseen(t *testing.T, path, content string) {
	t.Helper()
	h, err := os.OpenFile(filepath.Join(r.dir, path), os.O_WRONLY, 0)
	mustNot(t, err)
	_, err = h.WriteString(content)
	mustNot(t, err)
	mustNot(t, h.Close())
	r.setTime(t, path, second)
}

func racyRepo(t *testing.T, version int) *repo {
	t.Helper()
	r := newRepo(t, version, gitobj.SHA1)
	r.git(t, "", "config", "core.trustCTime", "false")
	r.write(t, "raced", "old\n")
	r.write(t, "quiet", "old\n")
	r.write(t, "truncated", "old\n")
	r.setTime(t, "raced", second)
	r.setTime(t, "truncated", second)
	r.setTime(t, "quiet", second.Add(-time.Minute))
	r.git(t, "", "add", ".")
	r.git(t, "", "commit", "-q", "-m", "first")
	r.git(t, "", "status")
	r.setTime(t, ".git/index", second)
	return r
}

func (r *repo) status(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(r.git(t, "", "status", "--porcelain", "-uno"))
}

// An old entry as new as the old index: its same-second edit must stay visible
// although the new index is newer.
func TestRacyOldEntryStaysVisible(t *testing.T) {
	for _, version := range []int{2, 4} {
		r := racyRepo(t, version)
		id := r.blob(t, "new\n")
		edits := []Edit{{Path: "other", Mode: gitobj.ModeFile, OID: id}}
		old, err := os.ReadFile(r.index())
		mustNot(t, err)

		r.splice(t, edits, Options{}) // clean so far: git must find it clean
		r.git(t, "", "update-index", "--force-remove", "other")
		if got := r.status(t); got != "" {
			t.Errorf("version %d: clean files shown as %q", version, got)
		}

		mustNot(t, os.WriteFile(r.index(), old, 0o666))
		r.setTime(t, ".git/index", second)
		r.editUnseen(t, "raced", "new\n")
		mustNot(t, os.Truncate(filepath.Join(r.dir, "truncated"), 0))
		r.setTime(t, "truncated", second)
		r.splice(t, edits, nothingRacy)
		if got := r.status(t); strings.Contains(got, "raced") {
			t.Fatal("the trap of a copied index is gone; this test proves nothing")
		}

		mustNot(t, os.WriteFile(r.index(), old, 0o666))
		r.setTime(t, ".git/index", second)
		r.splice(t, edits, Options{})
		f := r.open(t)
		for path, size := range map[string]uint32{"raced": 0, "truncated": 0, "quiet": 4} {
			if e, _ := f.Lookup(path); e.Stat.Size != size {
				t.Errorf("%s: size %d, want %d", path, e.Stat.Size, size)
			}
		}
		if got := r.status(t); got != "AD other\n M raced\n M truncated" {
			t.Errorf("version %d: status %q", version, got)
		}
	}
}

// The entry of an edit, then a same-second edit of the file: seen if the new
// index is of the same second, or if a further splice follows later; else the
// caller was wrong to vouch for it.
func TestRacyEditStaysVisible(t *testing.T) {
	cases := map[string]struct {
		index time.Time // time of the index with the edit
		again bool      // a second splice, later
		want  string
	}{
		"index in the same second":     {index: second, want: "M raced"},
		"and spliced again":            {index: second, again: true, want: "M raced"},
		"later index, wrongly vouched": {index: second.Add(5 * time.Second), want: ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := racyRepo(t, 2)
			fi, err := os.Lstat(filepath.Join(r.dir, "raced"))
			mustNot(t, err)
			e := Edit{Path: "raced", Mode: gitobj.ModeFile, OID: r.blob(t, "old\n"), Stat: StatOf(fi)}
			r.splice(t, []Edit{e}, Options{})
			r.setTime(t, ".git/index", c.index)
			r.editUnseen(t, "raced", "new\n")
			if c.again {
				r.splice(t, nil, Options{})
			}
			if got := r.status(t); got != c.want {
				t.Errorf("status %q, want %q", got, c.want)
			}
		})
	}
}

// A spliced entry with true stat data must not make git read the file again.
func TestQuietEditIsNotRehashed(t *testing.T) {
	r := racyRepo(t, 2)
	r.write(t, "made", "made\n")
	r.setTime(t, "made", second)
	fi, err := os.Lstat(filepath.Join(r.dir, "made"))
	mustNot(t, err)
	seen := Time{Sec: uint32(second.Unix()) + 10}
	r.splice(t, []Edit{{Path: "made", Mode: gitobj.ModeFile, OID: r.blob(t, "made\n"), Stat: StatOf(fi)}}, Options{Racy: seen})
	// diff-files does not refresh: it lists each entry whose stat differs
	if got := r.git(t, "", "diff-files"); got != "" {
		t.Errorf("git has doubts about %q", got)
	}
	mustNot(t, os.Chmod(filepath.Join(r.dir, "made"), 0)) // unreadable unless root
	if got := r.status(t); got != "A  made" {
		t.Errorf("status %q", got)
	}
}

// A file that is known to be untouched keeps its size, so that git has no
// doubts about it.
func TestUnchangedEntryKeepsItsSize(t *testing.T) {
	for _, version := range []int{2, 4} {
		r := racyRepo(t, version)
		r.editUnseen(t, "raced", "new\n")
		edits := []Edit{{Path: "other", Mode: gitobj.ModeFile, OID: r.blob(t, "new\n")}}
		asked := map[string]bool{}
		r.splice(t, edits, Options{Unchanged: func(path []byte, recorded Stat) bool {
			asked[string(path)] = true
			return string(path) != "raced"
		}})
		f := r.open(t)
		for path, smudged := range map[string]bool{"raced": true, "truncated": false} {
			if e, _ := f.Lookup(path); !asked[path] || (e.Stat.Size == 0) != smudged {
				t.Errorf("version %d: %s asked %v, size %d", version, path, asked[path], e.Stat.Size)
			}
		}
		if asked["quiet"] {
			t.Error("asked about an entry that is not racy")
		}
	}
}

func TestGitlinkIsNeverSmudged(t *testing.T) {
	id := gitobj.SHA1.HashObject("blob", nil)
	st := Stat{MTime: Time{Sec: 100}, Size: 7}
	f, err := Parse(spliced(t, empty(gitobj.SHA1), []Edit{
		{Path: "file", Mode: gitobj.ModeFile, OID: id, Stat: st}, {Path: "link", Mode: gitobj.ModeSymlink, OID: id, Stat: st},
		{Path: "sub", Mode: gitobj.ModeGitlink, OID: id, Stat: st},
	}, Options{}), gitobj.SHA1)
	mustNot(t, err)
	for racy, want := range map[uint32][3]uint32{100: {0, 0, 7}, 101: {7, 7, 7}} {
		f, err := Parse(spliced(t, f, nil, Options{Racy: Time{Sec: racy}}), gitobj.SHA1)
		mustNot(t, err)
		var got []uint32
		f.Walk(func(r *Raw) bool { got = append(got, r.Stat().Size); return true })
		if [3]uint32(got) != want {
			t.Errorf("index of second %d: sizes %v, want %v", racy, got, want)
		}
	}
}
