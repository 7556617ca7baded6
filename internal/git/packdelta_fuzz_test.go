package git

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// Whatever stands in place of trees, a difference leads to what it was made of.
func FuzzTreeDelta(f *testing.F) {
	id := strings.Repeat("i", 20)
	f.Add([]byte("100644 a\x00"+id+"40000 b\x00"+id), []byte("100644 a\x00"+id+"100644 aa\x00"+id+"40000 b\x00"+id))
	f.Add([]byte("no tree"), []byte("100644 a\x00"+id))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, base, tree []byte) {
		delta := treeDelta(base, tree, 20, 1<<20)
		if delta == nil {
			return
		}
		if got, err := applyDelta(base, delta); err != nil || !bytes.Equal(got, tree) {
			t.Errorf("%q from %q: %q, %v", tree, base, got, err)
		}
	})
}

// What is read of an object's header is what is written for it.
func FuzzPackHead(f *testing.F) {
	f.Add(appendSize(nil, treeKind, 12345))
	f.Add(appendBack(appendSize(nil, offsetDelta, 99), 70000))
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, head []byte) {
		h, err := readPackHead(head, 20)
		if err != nil {
			return
		}
		if h.len > len(head) || h.sizeLen > h.len || h.kind == offsetDelta && h.back <= 0 {
			t.Fatalf("%x: %+v", head, h)
		}
		again, err := readPackHead(appendBack(appendSize(nil, offsetDelta, int(h.size)), h.back+1), 20)
		if h.size < 1<<50 && h.back < 1<<50 && (err != nil || again.size != h.size || again.back != h.back+1) {
			t.Fatalf("%x: %+v, then %+v, %v", head, h, again, err)
		}
	})
}

// A repository's packed-refs may hold anything: refs with bad names or ids are
// left to git.
func FuzzSourceRefs(f *testing.F) {
	id := strings.Repeat("a", 40)
	f.Add("# pack-refs with: peeled \n" + id + " refs/heads/x\n^" + id + "\n")
	f.Add(id + " refs/heads/../../config\n")
	f.Add("\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "packed-refs")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Skip(err)
		}
		s := &sourceRefs{refs: map[string]gitobj.OID{}}
		if s.readPacked(path) != nil {
			return
		}
		for name, oid := range s.refs {
			if checkRefName(name) != nil || len(oid) != 40 && len(oid) != 64 {
				t.Errorf("%q: %q", name, oid)
			}
		}
	})
}
