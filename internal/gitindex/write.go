package gitindex

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// CacheTree says which tree object the entries of a folder make.
type CacheTree struct {
	Name    string // of the folder in the one above; "" at the top
	Entries int    // in it and below
	OID     gitobj.OID
	Trees   []*CacheTree
}

// Write writes a new index, version 2, of the entries (in any order; Remove is
// not allowed) with a cache tree, which must be of just these entries. Errors
// are those of Splice.
func Write(w io.Writer, entries []Edit, tree *CacheTree, format gitobj.Format) error {
	if tree.Entries != len(entries) {
		return fmt.Errorf("write index: a cache tree of %d entries for %d", tree.Entries, len(entries))
	}
	f := empty(format)
	sorted, err := prepare(entries, format)
	if err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	out := newOutput(w, format)
	s := splicer{file: f, out: out, version: f.version, pos: headerLen}
	if _, err := s.write(sorted); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	nodes := tree.appendTo(nil)
	out.write(binary.BigEndian.AppendUint32([]byte("TREE"), uint32(len(nodes))))
	out.write(nodes)
	if err := out.finish(); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

// appendTo writes the node and those below it: shorter names first, as git
// sorts them (cache-tree.c).
func (t *CacheTree) appendTo(b []byte) []byte {
	b = fmt.Appendf(b, "%s\x00%d %d\n", t.Name, t.Entries, len(t.Trees))
	b = append(b, t.OID.Bytes()...)
	trees := slices.Clone(t.Trees)
	slices.SortFunc(trees, func(x, y *CacheTree) int {
		return cmp.Or(cmp.Compare(len(x.Name), len(y.Name)), bytes.Compare([]byte(x.Name), []byte(y.Name)))
	})
	for _, sub := range trees {
		b = sub.appendTo(b)
	}
	return b
}
