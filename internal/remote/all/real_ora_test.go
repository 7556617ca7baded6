package all

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/remote/remotetest"
)

// TestORAWithDataLad has DataLad make the store, and git-annex with DataLad's
// program on the other side.
func TestORAWithDataLad(t *testing.T) {
	t.Parallel()
	b := newBench(t, "datalad", "git-annex-remote-ora", "7z")
	b.run("datalad", "create", "--force", ".")
	store := filepath.Join(b.base, "store")
	b.run("datalad", "create-sibling-ria", "-s", "ria", "--new-store-ok", "ria+file://"+store)
	b.matrix("ria-storage")
}

// TestORASpeaksAsDataLads compares what people are told: where content lies, and
// that a store of an unknown version is only read.
func TestORASpeaksAsDataLads(t *testing.T) {
	t.Parallel()
	b := newBench(t, "datalad", "git-annex-remote-ora")
	b.run("datalad", "create", "--force", ".")
	store := filepath.Join(b.base, "store")
	b.run("datalad", "create-sibling-ria", "-s", "ria", "--new-store-ok", "ria+file://"+store)
	k := b.add(map[string][]byte{"f.dat": []byte("f")})["f.dat"]
	b.git("annex", "copy", "-q", "--to", "ria-storage")
	a, _ := remote.As[remote.Addresser](b.open("ria-storage"))
	list, err := a.Addresses(context.Background(), k)
	if theirs := b.git("annex", "whereis", "f.dat"); err != nil || len(list) != 1 || !strings.Contains(theirs, "ria-storage: "+list[0]+"\n") {
		t.Errorf("%q %v\n%s", list, err, theirs)
	}
	versions, err := filepath.Glob(filepath.Join(store, "???", "*-*", "ria-layout-version"))
	if err != nil || len(versions) != 1 {
		t.Fatal(versions, err)
	}
	os.WriteFile(versions[0], []byte("X\n"), 0o644)
	s, told := b.setup("ria-storage"), ""
	s.Told = func(text string) { told += text }
	r, err := Open(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := r.Present(context.Background(), k); !ok || err != nil {
		t.Errorf("present: %v %v", ok, err)
	}
	const both = "Remote object tree reports version X"
	if theirs := b.git("annex", "fsck", "--fast", "--from", "ria-storage"); !strings.Contains(theirs, both) || !strings.HasPrefix(told, both) {
		t.Errorf("told %q, they tell\n%s", told, theirs)
	}
}

// TestORAPermissions compares the modes of what lies in a store: files that may
// not be written to, and encrypted ones, which are no such files.
func TestORAPermissions(t *testing.T) {
	t.Parallel()
	b := newBench(t, "datalad", "git-annex-remote-ora")
	b.run("datalad", "create", "--force", ".")
	url := "ria+file://" + filepath.Join(b.base, "store")
	b.run("datalad", "create-sibling-ria", "-s", "ria", "--new-store-ok", url)
	b.git("annex", "initremote", "-q", "sealed", "type=external", "externaltype=ora", "encryption=shared", "url="+url)
	keys := b.add(map[string][]byte{"theirs.dat": []byte("theirs"), "ours.dat": []byte("ours")})
	for _, name := range []string{"ria-storage", "sealed"} {
		b.git("annex", "copy", "-q", "--to", name, "theirs.dat")
		theirs := modes(t, b.base)
		r := b.open(name)
		path, ok := b.annex.Locate(keys["ours.dat"])
		if !ok {
			t.Fatal("no content here")
		}
		if err := r.Store(t.Context(), keys["ours.dat"], remote.Content{Path: path, Size: 4}); err != nil {
			t.Fatal(err)
		}
		ours := modes(t, b.base)
		for line, n := range theirs {
			if ours[line] != 2*n {
				t.Errorf("%s: %q: DataLad %d, then with ours %d", name, line, n, ours[line])
			}
		}
		b.git("annex", "drop", "-q", "--force", "--from", name, "theirs.dat", "ours.dat")
		if left := modes(t, b.base); len(left) != 0 {
			t.Errorf("%s: drop leaves %v", name, left)
		}
	}
}

// modes counts what lies below the folders of objects, by kind and mode.
func modes(t *testing.T, base string) map[string]int {
	t.Helper()
	found := map[string]int{}
	objects, err := filepath.Glob(filepath.Join(base, "store", "???", "*-*", "annex", "objects"))
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	err = filepath.WalkDir(objects[0], func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == objects[0] || strings.Count(path[len(objects[0]):], "/") == 1 {
			return err // first of two levels of folders, which are left
		}
		fi, err := e.Info()
		if err == nil {
			found[fi.Mode().String()]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestArchivesOfDataLad reads an archive that DataLad has made.
func TestArchivesOfDataLad(t *testing.T) {
	t.Parallel()
	b := newBench(t, "datalad", "git-annex-remote-ora", "7z")
	b.run("datalad", "create", "--force", ".")
	store := filepath.Join(b.base, "store")
	b.run("datalad", "create-sibling-ria", "-s", "ria", "--new-store-ok", "ria+file://"+store)
	content := remotetest.Bytes(100000, 3)
	keys := b.add(map[string][]byte{"f.dat": content})
	archives, err := filepath.Glob(filepath.Join(store, "???", "*-*"))
	if err != nil || len(archives) != 1 {
		t.Fatal(archives, err)
	}
	os.MkdirAll(filepath.Join(archives[0], "archives"), 0o755)
	b.run("datalad", "export-archive-ora", filepath.Join(archives[0], "archives", "archive.7z"))
	b.wantFetched(b.open("ria-storage"), keys["f.dat"], content)
}

// TestExternalWithGitAnnex shares a program between both.
func TestExternalWithGitAnnex(t *testing.T) {
	b := newBench(t)
	bin := filepath.Join(b.base, "bin")
	os.Mkdir(bin, 0o755)
	os.WriteFile(filepath.Join(bin, "git-annex-remote-shelf"), []byte(shelf), 0o755)
	b.env = append(b.env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if _, err := exec.LookPath("git-annex-remote-shelf"); err != nil {
		t.Fatal(err)
	}
	store := filepath.Join(b.base, "store")
	os.Mkdir(store, 0o755)
	b.git("annex", "initremote", "-q", "e", "type=external", "externaltype=shelf", "encryption=none", "chunk=100kb", "folder="+store)
	b.matrix("e")
}

// shelf is an external special remote in a dozen lines.
const shelf = `#!/bin/sh
ask() { echo "$1"; read -r _ reply; }
echo VERSION 1
while read -r word rest; do
  case $word in
  EXTENSIONS) echo EXTENSIONS INFO;;
  LISTCONFIGS) echo "CONFIG folder where content lies"; echo CONFIGEND;;
  INITREMOTE) echo INITREMOTE-SUCCESS;;
  PREPARE) ask "GETCONFIG folder"; folder=$reply; echo PREPARE-SUCCESS;;
  TRANSFER)
    set -- $rest; file=${rest#"$1 $2 "}
    if [ "$1" = STORE ]; then set -- "$1" "$2" "$file" "$folder/$2"; else set -- "$1" "$2" "$folder/$2" "$file"; fi
    if cp "$3" "$4.part" && mv "$4.part" "$4"; then echo "TRANSFER-SUCCESS $1 $2"; else echo "TRANSFER-FAILURE $1 $2 cp failed"; fi;;
  CHECKPRESENT) if [ -e "$folder/$rest" ]; then echo "CHECKPRESENT-SUCCESS $rest"; else echo "CHECKPRESENT-FAILURE $rest"; fi;;
  REMOVE) rm -f "$folder/$rest"; echo "REMOVE-SUCCESS $rest";;
  *) echo UNSUPPORTED-REQUEST;;
  esac
done
`
