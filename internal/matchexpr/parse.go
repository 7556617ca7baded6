package matchexpr

import (
	"fmt"
	"strings"
	"unicode"
)

// maxLen bounds the length of an expression in bytes, and with it the depth.
const maxLen = 1 << 16

// Parse reads an expression (git-annex, "matching expression"). Tokens stand
// between white space, and parentheses are tokens of their own. "not" applies
// to the next operand, operands side by side mean "and", missing and surplus
// closing parentheses do not matter, and the empty expression matches all.
// Unknown terms, among them those of preferred content, are errors.
func Parse(expr string) (Expr, error) {
	if len(expr) > maxLen {
		return Expr{}, fmt.Errorf("parse expression: longer than %d bytes", maxLen)
	}
	p := parser{tokens: tokenize(expr)}
	g := p.group(false)
	if p.err != nil {
		return Expr{}, fmt.Errorf("parse expression %q: %w", expr, p.err)
	}
	return Expr{g}, nil
}

// tokenize splits at white space (in Haskell's sense) and around parentheses,
// and leaves out surplus closing ones.
func tokenize(expr string) (tokens []string) {
	r := strings.NewReplacer("(", " ( ", ")", " ) ")
	depth := 0
	for _, t := range strings.FieldsFunc(r.Replace(expr), isSpace) {
		switch {
		case t == "(":
			depth++
		case t == ")" && depth == 0:
			continue
		case t == ")":
			depth--
		}
		tokens = append(tokens, t)
	}
	return tokens
}

func isSpace(r rune) bool {
	return r >= '\t' && r <= '\r' || unicode.Is(unicode.Zs, r)
}

// parser consumes tokens and keeps the first error.
type parser struct {
	tokens []string
	define Define // terms of the caller's, or nil
	err    error
}

func (p *parser) next() string {
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

// group reads steps up to the closing parenthesis or the end. Inside
// parentheses git-annex takes those of a group that follows an operand without
// operator as if it had none: (nothing (nothing or anything)) is true.
func (p *parser) group(inner bool) group {
	g := group{}
	for len(p.tokens) > 0 {
		switch {
		case p.tokens[0] == ")":
			p.next()
			return g
		case p.tokens[0] == "(" && inner:
			p.next()
			g = append(g, p.group(true)...)
		default:
			g = append(g, p.step())
		}
	}
	return g
}

// step reads an operator with its operand, or an operand alone.
func (p *parser) step() step {
	switch t := p.next(); t {
	case "and":
		return step{false, p.operand()}
	case "or":
		return step{true, p.operand()}
	case "not":
		return step{false, not{p.operand()}}
	case "(":
		return step{false, p.group(true)}
	default:
		return step{false, p.term(t)}
	}
}

// operand reads what an operator applies to: a step of its own that starts
// from true. Where none follows, it is true.
func (p *parser) operand() node {
	if len(p.tokens) == 0 || p.tokens[0] == ")" {
		return group{}
	}
	return group{p.step()}
}

// term reads NAME or NAME=VALUE.
func (p *parser) term(token string) node {
	if n, ok := p.defined(token); ok {
		return n
	}
	switch token {
	case "anything":
		return constant(true)
	case "nothing", "unused": // a file that is being added is never unused
		return constant(false)
	}
	name, value, _ := strings.Cut(token, "=")
	n, err := newTerm(name, value)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("near %q: %w", token, err)
	}
	return n
}

// defined asks the caller for a term.
func (p *parser) defined(token string) (node, bool) {
	if p.define == nil {
		return nil, false
	}
	name, value, _ := strings.Cut(token, "=")
	t, err := p.define(name, value)
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("near %q: %w", token, err)
	}
	return callerTerm{t}, t != nil || err != nil
}
