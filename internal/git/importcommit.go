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

// Commit makes a commit and returns its id and that of its tree.
func (im *Import) Commit(c CommitSpec) (commit, tree gitobj.OID, err error) {
	if err := im.Begin(c); err != nil {
		return "", "", err
	}
	return im.End()
}

// Begin starts a commit whose tree is changed further with Put, PutData and
// Drop until End, so that a large change need not be held in memory. Meanwhile
// entries and blobs can be asked for; Commit and WriteBlob must wait.
func (im *Import) Begin(c CommitSpec) error {
	im.mark = len(im.marks) + 1
	var tree gitobj.OID
	if c.TreeOf != "" {
		im.AskEntry(c.TreeOf, "")
		root, err := im.line()
		if err != nil {
			return err
		}
		if tree, err = im.rootTree(root); err != nil {
			return err
		}
	}
	if im.used {
		im.resetRef()
	}
	im.used = true
	im.printf("commit %s\nmark :%d\nauthor %s\ncommitter %s\n", im.ref, im.mark, c.Who.Author, c.Who.Committer)
	if c.Encoding != "" {
		im.printf("encoding %s\n", c.Encoding)
	}
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
	return im.err
}

// Put sets a path of the begun commit to an object that exists.
func (im *Import) Put(path string, mode gitobj.Mode, id gitobj.OID) {
	im.printf("M %s %s %s\n", mode, id, quotePath(path))
}

// PutData sets a path of the begun commit to new content.
func (im *Import) PutData(path string, mode gitobj.Mode, data []byte) {
	im.printf("M %s inline %s\n", mode, quotePath(path))
	im.data(data)
}

// AskPath asks what the begun commit has at a path; Entry reads the answer.
func (im *Import) AskPath(path string) {
	q := quotePath(path)
	if q[0] != '"' {
		q = `"` + q + `"`
	}
	im.printf("ls %s\n", q)
}

// End completes the commit of Begin.
func (im *Import) End() (commit, tree gitobj.OID, err error) {
	im.printf("ls \"\"\n")
	root, err := im.line()
	if err != nil {
		return "", "", err
	}
	if tree, err = im.rootTree(root); err != nil {
		return "", "", err
	}
	im.printf("\nget-mark :%d\n", im.mark)
	id, err := im.line()
	if err != nil {
		return "", "", err
	}
	if commit, err = gitobj.ParseOID(id); err == nil {
		im.marks[commit] = im.mark
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

// Made reports whether the commit is of this session: others cannot read it
// before the end.
func (im *Import) Made(commit gitobj.OID) bool { return im.marks[commit] != 0 }

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
