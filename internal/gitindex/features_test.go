package gitindex

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

func (f *File) hasExtension(sig string) bool {
	for _, e := range f.exts {
		if e.sig == sig {
			return true
		}
	}
	return false
}

func TestUnsupportedFromGit(t *testing.T) {
	cases := map[string]func(*repo){
		"sparse": func(r *repo) {
			r.git(t, "", "sparse-checkout", "init", "--cone", "--sparse-index")
			r.git(t, "", "sparse-checkout", "set", "dir00")
		},
	}
	for name, setup := range cases {
		r := newRepo(t, 2, gitobj.SHA1)
		id := r.blob(t, "x")
		r.git(t, fmt.Sprintf("100644 %[1]s\tdir00/a\n100644 %[1]s\tdir01/a\n", id), "update-index", "--index-info")
		r.git(t, "", "commit", "-q", "-m", "first")
		r.git(t, "", "reset", "-q", "--hard")
		setup(r)
		_, err := Open(filepath.Join(r.dir, ".git/index"), r.format)
		if !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Large indexes get offset tables, for which version 4 restarts its prefixes.
func TestSpliceOffsetTables(t *testing.T) {
	for _, version := range []int{2, 4} {
		r := newRepo(t, version, gitobj.SHA1)
		r.git(t, "", "config", "index.threads", "2")
		id := fill(t, r, 25_000)
		if f := r.open(t); !f.hasExtension("EOIE") || !f.hasExtension("IEOT") {
			t.Fatal("git wrote no offset tables")
		}
		r.compare(t, []Edit{
			{Path: "dir00/sub0/file0000.dat", Remove: true},
			{Path: "dir05/new", Mode: gitobj.ModeFile, OID: id}, {Path: "dir16", Mode: gitobj.ModeFile, OID: id},
		})
	}
}

func TestSpliceDropsUntrackedCache(t *testing.T) {
	r := newRepo(t, 2, gitobj.SHA1)
	r.write(t, "dir00/old", "old\n")
	r.git(t, "", "add", ".")
	r.git(t, "", "commit", "-q", "-m", "first")
	r.git(t, "", "config", "core.untrackedCache", "true")
	r.write(t, "dir00/new", "new\n")
	r.write(t, "dir00/other", "new\n")
	for range 2 {
		r.git(t, "", "status")
	}
	if !r.open(t).hasExtension("UNTR") {
		t.Fatal("git wrote no untracked cache")
	}
	r.splice(t, []Edit{{Path: "dir00/new", Mode: gitobj.ModeFile, OID: r.blob(t, "new\n")}}, Options{})
	for range 2 {
		if got := r.git(t, "", "status", "--porcelain"); got != "A  dir00/new\n?? dir00/other\n" {
			t.Errorf("status %q", got)
		}
	}
}

// What was resolved before stays known to `git checkout -m`.
func TestSpliceKeepsResolveUndo(t *testing.T) {
	r := newRepo(t, 2, gitobj.SHA1)
	id := fill(t, r, 5)
	r.git(t, fmt.Sprintf("100644 %[1]s 1\tc\n100644 %[1]s 2\tc\n100644 %[1]s 3\tc\n", id), "update-index", "--index-info")
	r.write(t, "c", "resolved\n")
	r.git(t, "", "add", "c")
	want := r.git(t, "", "ls-files", "--resolve-undo")
	r.splice(t, []Edit{{Path: "new", Mode: gitobj.ModeFile, OID: id}}, Options{})
	if got := r.git(t, "", "ls-files", "--resolve-undo"); got != want || want == "" {
		t.Errorf("resolve-undo %q, want %q", got, want)
	}
}

// Stat data in the entries is that of the file system, as git reads it.
func TestStatOfAgainstGit(t *testing.T) {
	r := newRepo(t, 2, gitobj.SHA1)
	r.write(t, "file", "content")
	mustNot(t, os.Symlink("file", r.dir+"/link"))
	r.git(t, "", "add", ".")
	for _, path := range []string{"file", "link"} {
		fi, err := os.Lstat(r.dir + "/" + path)
		mustNot(t, err)
		e, ok := r.open(t).Lookup(path)
		if st := StatOf(fi); !ok || e.Stat != st || !e.Stat.Same(st, Check{}) {
			t.Errorf("%s: ours %+v, git's %+v", path, st, e.Stat)
		}
	}
}

// The tree that git has noted is the one it would write; a splice ends that.
func TestTreeAgainstGit(t *testing.T) {
	for _, v := range variants {
		r := newRepo(t, v.version, v.format)
		id := fill(t, r, 40)
		want := strings.TrimSpace(r.git(t, "", "rev-parse", "HEAD^{tree}"))
		if got, ok := r.open(t).Tree(); !ok || string(got) != want {
			t.Errorf("version %d: tree %s, %v; want %s", v.version, got, ok, want)
		}
		r.splice(t, []Edit{{Path: "dir01/new", Mode: gitobj.ModeFile, OID: id}}, Options{})
		if got, ok := r.open(t).Tree(); ok {
			t.Errorf("version %d: a changed index has tree %s", v.version, got)
		}
	}
}

// An index without a checksum stays one, which git reads (index.skipHash).
func TestSpliceKeepsBareIndex(t *testing.T) {
	for _, v := range variants {
		r := newRepo(t, v.version, v.format)
		id := fill(t, r, 20)
		data, err := os.ReadFile(filepath.Join(r.dir, ".git/index"))
		mustNot(t, err)
		size := r.format.Size()
		clear(data[len(data)-size:])
		mustNot(t, os.WriteFile(filepath.Join(r.dir, ".git/index"), data, 0o644))
		var out bytes.Buffer
		mustNot(t, r.open(t).Splice(&out, []Edit{{Path: "new", Mode: gitobj.ModeFile, OID: id}}, Options{}))
		if tail := out.Bytes()[out.Len()-size:]; len(bytes.Trim(tail, "\x00")) > 0 {
			t.Errorf("v%d %s: checksum %x", v.version, v.format, tail)
		}
		mustNot(t, os.WriteFile(filepath.Join(r.dir, ".git/index"), out.Bytes(), 0o644))
		if got := r.git(t, "", "ls-files", "new"); got != "new\n" {
			t.Errorf("v%d %s: git sees %q", v.version, v.format, got)
		}
	}
}
