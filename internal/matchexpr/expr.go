// Package matchexpr decides by git-annex's expression language which files are
// large (annex.largefiles) and which are added unlocked (annex.addunlocked):
//
//	(largerthan=100kb or mimeencoding=binary) and not include=*.csv
//
// The language is git-annex's as it runs, oddities included, so that both
// programs store the same file in the same place. The package asks a File for
// what it needs and when it needs it; it knows no repository and no libmagic.
package matchexpr

// File is one file that is asked about. Each method is called only where the
// verdict depends on it, and MIME, which has to read the file, never for an
// expression without mimetype= and mimeencoding=.
type File interface {
	// Path is the path from the top of the repository, with slashes.
	Path() string
	// Size is the length of the content in bytes.
	Size() (int64, error)
	// MIME returns the type and the encoding in libmagic's words.
	MIME() (typ, enc string, err error)
}

// Expr is a parsed expression. The zero Expr matches every file. It is
// immutable and safe for concurrent use.
type Expr struct{ root group }

// Match reports whether f matches. Evaluation goes from left to right and stops
// asking once a part is decided. Errors are those of f, and those of broken
// globs, which like git-annex's come up only where the glob is tried.
func (e Expr) Match(f File) (bool, error) { return e.root.match(f) }

// NeedsMIME reports whether Match may call File.MIME.
func (e Expr) NeedsMIME() bool { return e.root.needsMIME() }

// node is a part of an expression.
type node interface {
	match(File) (bool, error)
	needsMIME() bool
}

// step joins one operand to the verdict so far.
type step struct {
	or      bool // else and
	operand node
}

// group is a sequence of steps; "and" and "or" bind equally. It starts as true.
type group []step

func (g group) match(f File) (bool, error) {
	verdict := true
	for _, s := range g {
		if verdict == s.or { // true or X, false and X
			continue
		}
		var err error
		if verdict, err = s.operand.match(f); err != nil {
			return false, err
		}
	}
	return verdict, nil
}

func (g group) needsMIME() bool {
	for _, s := range g {
		if s.operand.needsMIME() {
			return true
		}
	}
	return false
}

// not inverts a node.
type not struct{ node }

func (n not) match(f File) (bool, error) {
	ok, err := n.node.match(f)
	return !ok && err == nil, err
}
