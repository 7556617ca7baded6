package matchexpr

import "fmt"

// Term is a term of the caller's own, such as those of preferred content that
// ask where content is.
type Term func(File) (bool, error)

// Define returns the caller's term for a word of an expression: "copies=2" has
// the name copies and the value 2, "present" has no value. nil means that the
// word is none of the caller's.
type Define func(name, value string) (Term, error)

// ParseWith is Parse with terms of the caller's, which are asked for first.
func ParseWith(expr string, define Define) (Expr, error) {
	if len(expr) > maxLen {
		return Expr{}, fmt.Errorf("parse expression: longer than %d bytes", maxLen)
	}
	e, err := ParseTokens(tokenize(expr), define)
	if err != nil {
		return Expr{}, fmt.Errorf("parse expression %q: %w", expr, err)
	}
	return e, nil
}

// ParseTokens is ParseWith for an expression that comes in pieces, as on a
// command line: "(", ")", "not", "and", "or", and terms, whose values may then
// hold blanks and parentheses.
func ParseTokens(tokens []string, define Define) (Expr, error) {
	p := parser{tokens: tokens, define: define}
	g := p.group(false)
	return Expr{g}, p.err
}

// callerTerm makes a Term a part of an expression.
type callerTerm struct{ term Term }

func (t callerTerm) match(f File) (bool, error) { return t.term(f) }

// needsMIME: a caller's term has its own ways to the content.
func (callerTerm) needsMIME() bool { return false }
