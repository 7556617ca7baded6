package git

import (
	"bytes"
	"iter"
	"strconv"

	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// IndexMatches reports whether the index says what the commit's tree does.
// known is false where only git can tell.
func (r *Repo) IndexMatches(index *gitindex.File, commit gitobj.OID) (equal, known bool) {
	objs := r.objects()
	typ, text, err := objs.read(commit)
	if err != nil || typ != "commit" {
		return false, false
	}
	tree, err := r.treeOf(text)
	if err != nil {
		return false, false
	}
	next, stop := iter.Pull2(index.Entries())
	defer stop()
	m := &matcher{objs: objs, next: next}
	equal = m.tree(tree, "", 0)
	if m.failed {
		return false, false
	}
	if equal {
		_, _, more := next()
		equal = !more
	}
	return equal, true
}

// matcher walks a tree beside an index; both are in the same order.
type matcher struct {
	objs   *objects
	next   func() (gitindex.Entry, error, bool)
	failed bool // git must be asked
}

const maxTreeDepth = 2048

// tree compares all that lies below prefix.
func (m *matcher) tree(id gitobj.OID, prefix string, depth int) bool {
	typ, data, err := m.objs.read(id)
	if err != nil || typ != "tree" || depth > maxTreeDepth {
		m.failed = true
		return false
	}
	for len(data) > 0 {
		mode, name, oid, rest, ok := m.treeEntry(data)
		if !ok {
			m.failed = true
			return false
		}
		data = rest
		if mode == gitobj.ModeTree {
			if !m.tree(oid, prefix+name+"/", depth+1) {
				return false
			}
		} else if !m.entry(prefix+name, mode, oid) {
			return false
		}
	}
	return true
}

// entry compares one file with the next index entry.
func (m *matcher) entry(path string, mode gitobj.Mode, oid gitobj.OID) bool {
	e, err, more := m.next()
	if !more {
		return false
	}
	if err != nil || e.IntentToAdd || e.Stage != 0 {
		m.failed = true
		return false
	}
	return e.Path == path && e.Mode == mode && e.OID == oid
}

// treeEntry takes the first entry off a tree object: mode SP name NUL id.
func (m *matcher) treeEntry(data []byte) (mode gitobj.Mode, name string, oid gitobj.OID, rest []byte, ok bool) {
	head, rest, ok := bytes.Cut(data, []byte{0})
	digits, file, ok2 := bytes.Cut(head, []byte{' '})
	size := m.objs.format.Size()
	if !ok || !ok2 || len(rest) < size {
		return 0, "", "", nil, false
	}
	n, err := strconv.ParseUint(string(digits), 8, 32)
	return gitobj.Mode(n), string(file), gitobj.FromBytes(rest[:size]), rest[size:], err == nil
}
