package gitindex

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stemma-data/stemma/internal/gitobj"
	"pgregory.net/rapid"
)

// model applies edits to a list of entries the slow and plain way.
func model(old []Entry, edits []Edit, racy uint32) []Entry {
	var out []Entry
	for _, e := range old {
		if slices.ContainsFunc(edits, func(d Edit) bool { return displaces(d, e) }) {
			continue
		}
		if racy > 0 && e.Mode != gitobj.ModeGitlink && e.Stat.MTime.Sec >= racy {
			e.Stat.Size = 0
		}
		out = append(out, e)
	}
	for _, d := range edits {
		if !d.Remove {
			out = append(out, Entry{Path: d.Path, Mode: d.Mode, OID: d.OID, Stat: d.Stat})
		}
	}
	slices.SortFunc(out, func(a, b Entry) int {
		return strings.Compare(fmt.Sprint(a.Path, "\x00", a.Stage), fmt.Sprint(b.Path, "\x00", b.Stage))
	})
	return out
}

func displaces(d Edit, e Entry) bool {
	if d.Path == e.Path {
		return true
	}
	return e.Stage == 0 && !d.Remove && (strings.HasPrefix(d.Path, e.Path+"/") || strings.HasPrefix(e.Path, d.Path+"/"))
}

func collect(f *File) (out []Entry) {
	for e := range f.Entries() {
		out = append(out, e)
	}
	return out
}

// TestSpliceModel splices again and again, over several blocks, with times
// around that of the index, and compares each entry.
func TestSpliceModel(t *testing.T) {
	path := rapid.StringMatching(`[a-c]{1,2}(/[a-d.]{0,2}x){0,3}`)
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom([]gitobj.Format{gitobj.SHA1, gitobj.SHA256}).Draw(t, "format")
		ids := []gitobj.OID{format.HashObject("blob", nil), format.EmptyTree()}
		f := empty(format)
		f.version = rapid.SampledFrom([]uint32{2, 3, 4}).Draw(t, "version")
		sizes := []int{150, 3, 10}
		for _, n := range sizes {
			var edits []Edit
			for _, p := range rapid.SliceOfNDistinct(path, 0, n, rapid.ID).Draw(t, "paths") {
				e := Edit{
					Path: p, OID: rapid.SampledFrom(ids).Draw(t, "id"), Remove: rapid.IntRange(0, 3).Draw(t, "remove") == 0,
					Mode: rapid.SampledFrom([]gitobj.Mode{gitobj.ModeFile, gitobj.ModeGitlink}).Draw(t, "mode"),
					Stat: Stat{MTime: Time{Sec: rapid.Uint32Range(1, 9).Draw(t, "mtime")}, Size: 5, Ino: 77},
				}
				if checkSet(append(edits, e), format) {
					edits = append(edits, e)
				}
			}
			racy := rapid.Uint32Range(1, 10).Draw(t, "racy")
			want := model(collect(f), edits, racy)
			data := spliced(t, f, edits, Options{Racy: Time{Sec: racy}})
			next, err := Parse(data, format)
			mustNot(t, err)
			if d := cmp.Diff(want, collect(next)); d != "" {
				t.Fatalf("after %+v (-want +got):\n%s", edits, d)
			}
			if again := spliced(t, next, nil, nothingRacy); !bytes.Equal(again, data) {
				t.Fatal("a splice without edits changed bytes")
			}
			f = next
		}
	})
}
