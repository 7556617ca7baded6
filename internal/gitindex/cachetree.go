package gitindex

import (
	"bytes"
	"fmt"
	"runtime"
	"sort"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// maxTrees bounds the subtrees of one cache tree node, maxDepth the nesting
// that is followed for a stale path.
const (
	maxTrees = 1 << 28
	maxDepth = 4096
)

// treeWriter collects the parts of a changed cache tree extension. Nodes
// without stale paths are passed on as they are.
type treeWriter struct {
	hash  int
	parts [][]byte
	depth int
}

// Tree returns the id of the tree that the merged entries make, if git has
// noted it and nothing has changed since.
func (f *File) Tree() (id gitobj.OID, ok bool) {
	defer runtime.KeepAlive(f)
	t := treeWriter{hash: f.format.Size()}
	for _, e := range f.exts {
		if e.sig != "TREE" {
			continue
		}
		n, ok := t.parseNode(e.data)
		if head := bytes.IndexByte(e.data, '\n') + 1; ok && n.size > head {
			return gitobj.FromBytes(e.data[head:n.size]), true
		}
	}
	return "", false
}

// treeNode is the head of one node: name NUL count SP subtrees LF [object id].
type treeNode struct {
	name  []byte
	trees int
	size  int // bytes of the head, object id included
}

// parseNode reads the node head at the start of b.
func (t *treeWriter) parseNode(b []byte) (n treeNode, ok bool) {
	nul := bytes.IndexByte(b, 0)
	if nul < 0 {
		return n, false
	}
	line := b[nul+1:]
	lf := bytes.IndexByte(line[:min(len(line), 40)], '\n')
	if lf < 0 {
		return n, false
	}
	first, second, found := bytes.Cut(line[:lf], []byte(" "))
	count, err := strconv.Atoi(string(first))
	trees, err2 := strconv.Atoi(string(second))
	if !found || err != nil || err2 != nil || trees < 0 || trees > maxTrees {
		return n, false
	}
	n = treeNode{name: b[:nul], trees: trees, size: nul + 1 + lf + 1}
	if count >= 0 {
		n.size += t.hash
	}
	return n, n.size <= len(b)
}

// skip returns the length of the node at the start of b with all below it.
func (t *treeWriter) skip(b []byte) (int, bool) {
	off := 0
	for todo := 1; todo > 0; todo-- {
		n, ok := t.parseNode(b[off:])
		if !ok {
			return 0, false
		}
		off += n.size
		todo += n.trees
	}
	return off, true
}

// node passes on the node at the start of b, given the sorted stale paths
// relative to it, and returns the node's length. A node with stale paths
// becomes invalid (count -1, no object id), as do those on the way to them; a
// subtree in whose place there is a file now goes away.
func (t *treeWriter) node(b []byte, stale []string) (int, bool) {
	if len(stale) == 0 {
		n, ok := t.skip(b)
		if ok {
			t.parts = append(t.parts, b[:n])
		}
		return n, ok
	}
	n, ok := t.parseNode(b)
	if t.depth++; !ok || t.depth > maxDepth {
		return 0, false
	}
	head := len(t.parts)
	t.parts = append(t.parts, nil)
	off, kept, ok := t.children(b, n, stale)
	t.parts[head] = fmt.Appendf(nil, "%s\x00-1 %d\n", n.name, kept)
	t.depth--
	return off, ok
}

// children passes on the subtrees of n and returns the node's length and how
// many subtrees are left.
func (t *treeWriter) children(b []byte, n treeNode, stale []string) (off, kept int, ok bool) {
	off = n.size
	for range n.trees {
		child, ok := t.parseNode(b[off:])
		if !ok {
			return 0, 0, false
		}
		gone, below := staleIn(stale, string(child.name))
		size := 0
		if gone {
			size, ok = t.skip(b[off:])
		} else {
			size, ok = t.node(b[off:], below)
			kept++
		}
		if !ok {
			return 0, 0, false
		}
		off += size
	}
	return off, kept, true
}

// staleIn reports whether name itself is among the sorted paths, and returns
// those below it, relative to it.
func staleIn(stale []string, name string) (self bool, below []string) {
	i := sort.SearchStrings(stale, name)
	self = i < len(stale) && stale[i] == name
	prefix := name + "/"
	i = sort.SearchStrings(stale, prefix)
	for ; i < len(stale) && strings.HasPrefix(stale[i], prefix); i++ {
		below = append(below, stale[i][len(prefix):])
	}
	return self, below
}
