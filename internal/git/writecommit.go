package git

import (
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/gitobj"
)

// TreeChange sets or removes one path of a tree.
type TreeChange struct {
	Path   string
	Mode   gitobj.Mode
	OID    gitobj.OID
	Remove bool
}

// CommitSpec describes a commit to make.
type CommitSpec struct {
	Parents []gitobj.OID // the first one gives the tree that Changes apply to
	Who     Identities
	TreeOf  gitobj.OID // if set, its tree is taken instead
	Message string     // stored as it is
	// Encoding is what the commit says of its message; "" for UTF-8.
	Encoding string
	Changes  []TreeChange
}

// text is the commit object (gitformat-commit).
func (c *CommitSpec) text(tree gitobj.OID) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "tree %s\n", tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n", c.Who.Author, c.Who.Committer)
	if c.Encoding != "" {
		fmt.Fprintf(&b, "encoding %s\n", c.Encoding)
	}
	return []byte(b.String() + "\n" + c.Message)
}

// Commit makes a commit and returns its id and that of its tree.
func (w *ObjectWriter) Commit(c CommitSpec) (commit, tree gitobj.OID, err error) {
	if err := w.Begin(c); err != nil {
		return "", "", err
	}
	return w.End()
}

// Begin starts a commit whose tree is changed further with Put and PutData until
// End, so that a large change need not be held in memory.
func (w *ObjectWriter) Begin(c CommitSpec) error {
	from := c.TreeOf
	if from == "" && len(c.Parents) > 0 {
		from = c.Parents[0]
	}
	w.root, w.edits, w.begun = &treeEdit{}, 0, &c
	if from != "" {
		var err error
		if w.root.base, err = w.treeOf(from); err != nil {
			return err
		}
	}
	w.changes(c.Changes)
	return w.err
}

// changes makes removals first, so that a file may take a folder's place.
func (w *ObjectWriter) changes(list []TreeChange) {
	for _, c := range list {
		if c.Remove && w.err == nil {
			w.err = w.remove(c.Path)
		}
	}
	for _, c := range list {
		if !c.Remove {
			w.Put(c.Path, c.Mode, c.OID)
		}
	}
}

// Put sets a path of the begun commit to an object that exists. What is in the way
// goes; an empty tree is nothing.
func (w *ObjectWriter) Put(path string, mode gitobj.Mode, id gitobj.OID) {
	if w.err != nil {
		return
	}
	if mode != gitobj.ModeGitlink && id != w.empty {
		there, err := w.exists(id)
		if err == nil && !there {
			err = fmt.Errorf("commit %s: object %s is missing", path, id)
		}
		if w.err = err; err != nil {
			return
		}
	}
	w.err = w.set(path, TreeEntry{Mode: mode, OID: id})
}

// PutData sets a path of the begun commit to new content, which is not to be
// changed afterwards.
func (w *ObjectWriter) PutData(path string, mode gitobj.Mode, data []byte) {
	if w.err != nil {
		return
	}
	id, err := w.WriteBlob(data)
	if err == nil {
		err = w.set(path, TreeEntry{Mode: mode, OID: id})
	}
	w.err = err
}

// Present returns what the begun commit has at the path of a file; ok is false
// where it has none.
func (w *ObjectWriter) Present(path string) (e TreeEntry, ok bool, err error) {
	e, ok, err = w.lookup(w.root, path)
	return e, ok && e.Mode != gitobj.ModeTree, err
}

// End completes the commit of Begin.
func (w *ObjectWriter) End() (commit, tree gitobj.OID, err error) {
	if w.err != nil {
		return "", "", w.err
	}
	if tree, err = w.writeTree(w.root); err != nil {
		return "", "", err
	}
	if tree == w.empty {
		if _, err := w.write(treeKind, nil, treeLevel); err != nil {
			return "", "", err
		}
	}
	if commit, err = w.write(commitKind, w.begun.text(tree), textLevel); err == nil {
		w.commits[commit] = tree
	}
	return commit, tree, err
}
