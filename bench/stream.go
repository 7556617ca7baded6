package main

import (
	"bufio"
	"crypto/md5"
	"fmt"
	"io"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// jobScript is the batch job of all comparisons: one text, one binary file.
const jobScript = `#!/bin/sh
mkdir -p "$1"
date > "$1/out.txt"
head -c 100000 /dev/urandom > "$1/out.bin"
`

// outputs are the files that jobScript writes below folder.
func outputs(folder string) (text, binary string) { return folder + "/out.txt", folder + "/out.bin" }

// elsewhere is the repository in which the annexed files of the big repositories
// are said to lie: like most clones, these hold links without content.
const elsewhere = "b7a1c0de-0000-4000-8000-00000000beef"

// writeStream writes a dataset of n tracked files, half text, half annexed, and
// its git-annex branch, as input of git fast-import.
func writeStream(w io.Writer, n int) error {
	out := bufio.NewWriterSize(w, 1<<20)
	fixed := [][2]string{
		{".gitattributes", "* annex.backend=MD5E\n**/.git* annex.largefiles=nothing\n* annex.largefiles=((mimeencoding=binary)and(largerthan=0))\n"},
		{".datalad/.gitattributes", "config annex.largefiles=nothing\n"},
		{".datalad/config", "[datalad \"dataset\"]\n\tid = 5eed5eed-0000-4000-8000-000000000001\n"},
	}
	commit(out, "main", "files")
	for _, f := range fixed {
		file(out, "100644", f[0], f[1])
	}
	file(out, "100755", "job.sh", jobScript)
	for i := range n - len(fixed) - 1 {
		if name := trackedFile(i); annexed(i) {
			file(out, "120000", name, "../../../.git/annex/objects/"+key(i).ObjectPath())
		} else {
			file(out, "100644", name, fmt.Sprintf("parameter %d of the benchmark's repository\n", i))
		}
	}
	commit(out, "git-annex", "locations")
	for i := range n - len(fixed) - 1 {
		if annexed(i) {
			file(out, "100644", key(i).HashLower()+"/"+key(i).File()+".log", "1700000000s 1 "+elsewhere+"\n")
		}
	}
	fmt.Fprint(out, "done\n")
	return out.Flush()
}

func commit(w io.Writer, branch, message string) {
	fmt.Fprintf(w, "commit refs/heads/%s\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata %d\n%s\n", branch, len(message), message)
}

func file(w io.Writer, mode, name, content string) {
	fmt.Fprintf(w, "M %s inline %s\ndata %d\n%s\n", mode, name, len(content), content)
}

func annexed(i int) bool { return i%2 == 1 }

// trackedFile is the path of file i: a hundred to a folder, a hundred folders to a folder.
func trackedFile(i int) string {
	ext := "txt"
	if annexed(i) {
		ext = "dat"
	}
	return fmt.Sprintf("data/%02d/%02d/f%07d.%s", i/10000, i/100%100, i, ext)
}

func key(i int) annexkey.Key {
	k := annexkey.New("MD5E", fmt.Sprintf("%x.dat", md5.Sum([]byte(trackedFile(i)))))
	k.Size = 100_000
	return k
}
