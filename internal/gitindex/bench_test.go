package gitindex

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// big makes an index like that of a large dataset.
func big(b *testing.B, version uint32, n int) *File {
	b.Helper()
	var out bytes.Buffer
	o := newOutput(&out, gitobj.SHA1)
	s := splicer{file: &File{version: version}, out: o, version: version}
	s.writeHeader(n)
	id := gitobj.SHA1.HashObject("blob", nil)
	for i := range n {
		path := fmt.Sprintf("data/run%05d/out-%04d.h5", i/1000, i%1000)
		s.insert(&Edit{Path: path, Mode: gitobj.ModeFile, OID: id, Stat: Stat{MTime: Time{Sec: uint32(i)}, Size: 9}})
	}
	mustNot(b, o.finish())
	f, err := Parse(out.Bytes(), gitobj.SHA1)
	mustNot(b, err)
	return f
}

// BenchmarkSplice is one commit's work: read the index file, check it, change
// a few entries and write it to a file.
func BenchmarkSplice(b *testing.B) {
	for _, version := range []uint32{2, 4} {
		for _, n := range []int{200_000, 1_000_000} {
			b.Run(fmt.Sprintf("v%d/%d", version, n), func(b *testing.B) { benchSplice(b, big(b, version, n)) })
		}
	}
}

func benchSplice(b *testing.B, f *File) {
	dir := b.TempDir()
	mustNot(b, os.WriteFile(dir+"/index", f.data, 0o666))
	id := gitobj.SHA1.HashObject("blob", nil)
	var edits []Edit
	for i := range 100 {
		edits = append(edits, Edit{Path: fmt.Sprintf("data/run00%03d/new", i), Mode: gitobj.ModeFile, OID: id})
	}
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open(dir+"/index", gitobj.SHA1)
		mustNot(b, err)
		w, err := os.Create(dir + "/index.lock")
		mustNot(b, err)
		mustNot(b, f.Splice(w, edits, Options{Racy: Time{Sec: uint32(f.Len() - 1000)}}))
		mustNot(b, w.Close())
		mustNot(b, os.Rename(dir+"/index.lock", dir+"/other"))
	}
}

func BenchmarkWalk(b *testing.B) {
	f := big(b, 2, 200_000)
	b.ReportAllocs()
	for b.Loop() {
		f.Walk(func(*Raw) bool { return true })
	}
}

func BenchmarkManyEdits(b *testing.B) {
	f := big(b, 2, 200_000)
	var edits []Edit
	for e := range f.Entries() {
		if len(edits) < 50_000 {
			edits = append(edits, Edit{Path: e.Path, Mode: e.Mode, OID: e.OID, Stat: e.Stat})
		}
	}
	for b.Loop() {
		mustNot(b, f.Splice(&bytes.Buffer{}, edits, Options{}))
	}
}

// BenchmarkSplit measures a splice where most entries are in a shared file.
func BenchmarkSplit(b *testing.B) {
	r := newRepo(b, 2, gitobj.SHA1)
	id := fill(b, r, 200_000)
	r.git(b, "", "update-index", "--split-index")
	b.ResetTimer()
	for b.Loop() {
		mustNot(b, r.open(b).Splice(io.Discard, []Edit{{Path: "dir05/new", Mode: gitobj.ModeFile, OID: id}}, Options{}))
	}
}
