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
	Changes []TreeChange
}

// Commit makes a commit and returns its id and that of its tree.
func (im *Import) Commit(c CommitSpec) (commit, tree gitobj.OID, err error) {
	mark := len(im.marks) + 1
	if c.TreeOf != "" {
		im.AskEntry(c.TreeOf, "")
		root, err := im.line()
		if err != nil {
			return "", "", err
		}
		if tree, err = im.rootTree(root); err != nil {
			return "", "", err
		}
	}
	if im.used {
		im.resetRef()
	}
	im.used = true
	im.printf("commit %s\nmark :%d\nauthor %s\ncommitter %s\n", im.ref, mark, c.Who.Author, c.Who.Committer)
	im.data([]byte(c.Message))
	for i, p := range c.Parents {
		verb := "merge"
		if i == 0 {
			verb = "from"
		}
		im.printf("%s %s\n", verb, im.name(p))
	}
	if c.TreeOf != "" {
		im.printf("M %s %s \"\"\n", gitobj.ModeTree, tree)
	}
	im.changes(c.Changes)
	im.printf("ls \"\"\n")
	root, err := im.line()
	if err != nil {
		return "", "", err
	}
	if tree, err = im.rootTree(root); err != nil {
		return "", "", err
	}
	im.printf("\nget-mark :%d\n", mark)
	id, err := im.line()
	if err != nil {
		return "", "", err
	}
	if commit, err = gitobj.ParseOID(id); err == nil {
		im.marks[commit] = mark
	}
	return commit, tree, err
}

// name is how the process is told of a commit.
func (im *Import) name(commit gitobj.OID) string {
	if mark, ok := im.marks[commit]; ok {
		return fmt.Sprintf(":%d", mark)
	}
	return string(commit)
}

// rootTree reads the answer to `ls ""`; an empty tree is "missing".
func (im *Import) rootTree(l string) (gitobj.OID, error) {
	if strings.HasPrefix(l, "missing") {
		return im.repo.Format.EmptyTree(), nil
	}
	f := strings.Fields(l)
	if len(f) < 3 {
		return "", im.fail(fmt.Errorf("unexpected answer %q", l))
	}
	return gitobj.ParseOID(f[2])
}

// changes writes removals first, so that a file may take a folder's place.
func (im *Import) changes(list []TreeChange) {
	for _, c := range list {
		if c.Remove {
			im.printf("D %s\n", quotePath(c.Path))
		}
	}
	for _, c := range list {
		if !c.Remove {
			im.printf("M %s %s %s\n", c.Mode, c.OID, quotePath(c.Path))
		}
	}
}

func (im *Import) resetRef() {
	// Without "from" the process forgets the ref; from the zero id it would
	// delete it, under locks that a kill could leave behind.
	im.printf("reset %s\n\n", im.ref)
}
