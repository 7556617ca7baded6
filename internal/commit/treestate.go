package commit

import (
	"context"
	"path"
	"strings"

	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// treeState tells what is in the tree on which the next commit of a batch is
// made: what the tip's tree had, and what the commits before it have changed.
// The writer is not asked, for it would search the tree of each commit anew.
type treeState struct {
	tip     *git.TreeView
	changed map[string]git.TreeEntry // the zero entry: removed
	folders map[string]bool          // in which something was put
}

func newTreeState(repo *git.Repo, tip gitobj.OID) *treeState {
	return &treeState{tip: repo.View(tip), changed: map[string]git.TreeEntry{}, folders: map[string]bool{}}
}

// aFolder stands for a tree that is being made; no file equals it. One that was
// emptied again is still told of: removing it once more does no harm.
var aFolder = git.TreeEntry{Mode: gitobj.ModeTree, OID: "unwritten"}

// entry returns what is at the path; the zero entry is nothing.
func (t *treeState) entry(ctx context.Context, p string) (git.TreeEntry, error) {
	if t.folders[p] {
		return aFolder, nil
	}
	if e, ok := t.changed[p]; ok {
		return e, nil
	}
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if _, ok := t.changed[dir]; ok {
			return git.TreeEntry{}, nil // the tip's folder is not there any more
		}
	}
	e, ok, err := t.tip.Lookup(ctx, p)
	if err != nil || !ok {
		return git.TreeEntry{}, err
	}
	return e, nil
}

// apply notes the changes of one commit as the writer makes them: removals
// come first, and what is put somewhere takes the place of what is in the way.
func (t *treeState) apply(changes []git.TreeChange) {
	for _, c := range changes {
		if c.Remove {
			t.put(c.Path, git.TreeEntry{})
		}
	}
	for _, c := range changes {
		if c.Remove {
			continue
		}
		t.put(c.Path, git.TreeEntry{Mode: c.Mode, OID: c.OID})
		for dir := path.Dir(c.Path); dir != "."; dir = path.Dir(dir) {
			t.folders[dir] = true
		}
	}
}

func (t *treeState) put(p string, e git.TreeEntry) {
	if t.folders[p] {
		t.forgetBelow(p)
	}
	t.changed[p] = e
}

// forgetBelow is for a folder that goes away with all that was put in it.
func (t *treeState) forgetBelow(p string) {
	prefix := p + "/"
	for name := range t.changed {
		if strings.HasPrefix(name, prefix) {
			delete(t.changed, name)
		}
	}
	for name := range t.folders {
		if name == p || strings.HasPrefix(name, prefix) {
			delete(t.folders, name)
		}
	}
}
