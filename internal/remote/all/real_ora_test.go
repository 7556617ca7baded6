package all

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
