package annexlog

import (
	"slices"
	"strings"
)

// Export is what one repository has put into a remote that holds trees: a line
// of export.log.
type Export struct {
	From, To   string   // identities of the repository and of the remote
	Tree       string   // the tree that is there, by its id
	Incomplete []string // trees whose export was begun and perhaps not completed
	Clock      Clock
}

// Exports is an export.log. It is immutable; make one with ParseExports.
type Exports struct{ log Log }

// ParseExports reads an export.log. It never fails.
func ParseExports(data []byte) Exports { return Exports{ParseMapLog(data)} }

// To returns what was exported to the remote, by whomever.
func (e Exports) To(remote string) []Export {
	var list []Export
	for _, entry := range e.log.Entries() {
		from, to, _ := strings.Cut(entry.Field, ":")
		trees := strings.Fields(entry.Value)
		if to != remote || len(trees) == 0 {
			continue
		}
		list = append(list, Export{From: from, To: to, Tree: trees[0], Incomplete: trees[1:], Clock: entry.Clock})
	}
	return list
}

// Trees lists the different trees that the remote has by the log: more than one
// where two repositories exported without knowing of each other. The tree with
// the id empty is none.
func (e Exports) Trees(remote, empty string) []string {
	var trees []string
	for _, x := range e.To(remote) {
		if x.Tree != empty && !slices.Contains(trees, x.Tree) {
			trees = append(trees, x.Tree)
		}
	}
	return trees
}

// Incomplete lists the trees that the remote may have parts of.
func (e Exports) Incomplete(remote string) []string {
	var trees []string
	for _, x := range e.To(remote) {
		trees = append(trees, x.Incomplete...)
	}
	slices.Sort(trees)
	return slices.Compact(trees)
}

// Begin returns the log after the repository from has begun to export the tree.
// Where it had exported nothing before, it counts as having exported empty.
func (e Exports) Begin(from, to, tree, empty string, now Clock) ([]byte, error) {
	old := Export{Tree: empty}
	for _, x := range e.To(to) {
		if x.From == from {
			old = x
		}
	}
	trees := []string{old.Tree, tree}
	for _, t := range old.Incomplete {
		if !slices.Contains(trees[1:], t) {
			trees = append(trees, t)
		}
	}
	return e.log.Set(from+":"+to, strings.Join(trees, " "), now)
}

// Complete returns the log after the remote has the tree. What others exported
// there counts as replaced as far as it is among the old trees that the export
// took into account. Where that is recorded, only superseded lines go.
func (e Exports) Complete(from, to, tree string, old []string, now Clock) ([]byte, error) {
	out, err := e.log.Bytes(), error(nil)
	if have, _ := e.log.Get(from + ":" + to); have.Value != tree {
		out, err = e.log.Set(from+":"+to, tree, now)
	}
	for _, x := range e.To(to) {
		if err != nil || x.From == from || !slices.Contains(old, x.Tree) || x.Tree == tree {
			continue
		}
		value := strings.Join(append([]string{tree}, x.Incomplete...), " ")
		out, err = ParseMapLog(out).Set(x.From+":"+to, value, now)
	}
	return out, err
}
