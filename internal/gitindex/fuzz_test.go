package gitindex

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

func FuzzParse(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte, sha256 bool) {
		format := gitobj.SHA1
		if sha256 {
			format = gitobj.SHA256
		}
		x, err := Parse(zeroSum(data, format), format)
		if err != nil {
			return
		}
		n := 0
		for e := range x.Entries() {
			if n++; n%7 == 0 {
				if _, ok := x.Lookup(e.Path); !ok {
					t.Fatalf("%q not found", e.Path)
				}
			}
		}
		if n != x.Len() {
			t.Fatalf("%d of %d entries", n, x.Len())
		}
	})
}

func FuzzSplice(f *testing.F) {
	addSeeds(f)
	id := gitobj.SHA1.HashObject("blob", nil)
	f.Fuzz(func(t *testing.T, data []byte, remove bool) {
		x, err := Parse(zeroSum(data, gitobj.SHA1), gitobj.SHA1)
		if err != nil {
			return
		}
		edits := []Edit{{Path: "m/n/o", Mode: gitobj.ModeFile, OID: id}}
		for e := range x.Entries() {
			edits = append(edits, Edit{Path: e.Path, Mode: gitobj.ModeFile, OID: id, Remove: remove})
		}
		for n := range min(len(edits), 4) {
			checkSplice(t, x, edits[:n])
		}
	})
}

// checkSplice compares a splice with the same done on a list.
func checkSplice(t *testing.T, x *File, edits []Edit) {
	var out bytes.Buffer
	if err := x.Splice(&out, edits, Options{Racy: Time{Sec: 5}}); err != nil {
		if errors.Is(err, ErrBadEdit) || errors.Is(err, ErrUnsupported) {
			return
		}
		t.Fatal(err)
	}
	y, err := Parse(out.Bytes(), gitobj.SHA1)
	if err != nil {
		t.Fatalf("after %v: %v", edits, err)
	}
	for _, e := range edits {
		if got, ok := y.Lookup(e.Path); ok == e.Remove || ok && (got.OID != e.OID || got.Stage != 0) {
			t.Fatalf("%+v became %+v", e, got)
		}
	}
	for e := range x.Entries() {
		got, ok := y.Lookup(e.Path)
		if e.Stage != 0 || touches(edits, e.Path) {
			continue
		}
		if e.Stat.Size = got.Stat.Size; !ok || got != e {
			t.Fatalf("%+v became %+v", e, got)
		}
	}
}

func touches(edits []Edit, path string) bool {
	for _, e := range edits {
		if e.Path == path || strings.HasPrefix(e.Path, path+"/") || strings.HasPrefix(path, e.Path+"/") {
			return true
		}
	}
	return false
}

// zeroSum replaces the last bytes by zeros, so that the fuzzer gets past the
// checksum.
func zeroSum(data []byte, format gitobj.Format) []byte {
	data = bytes.Clone(data)
	clear(data[max(0, len(data)-format.Size()):])
	return data
}

func addSeeds(f *testing.F) {
	f.Helper()
	a := entry("a", gitobj.ModeFile, 0, 0)
	c := entry("c/d", gitobj.ModeExec, flagExtended, extraSkipWorktree)
	f.Add(sealed(gitobj.SHA1, header(2, 1), a), false)
	f.Add(sealed(gitobj.SHA1, header(3, 2), a, c, ext("TREE", "\x002 1\n"+strings.Repeat("t", 20)+"c\x00-1 0\n")), true)
	for _, v := range variants {
		r := newRepo(f, v.version, v.format)
		addFlags(f, r, fill(f, r, 40))
		data, err := os.ReadFile(r.index())
		mustNot(f, err)
		f.Add(data, v.format == gitobj.SHA256)
	}
}
