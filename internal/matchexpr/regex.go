package matchexpr

import (
	"errors"
	"slices"
)

var (
	errOpenSet  = errors.New("a set is not closed")
	errBadRange = errors.New("a range is the wrong way round")
)

// itemKind says what a piece of a regular expression matches.
type itemKind byte

const (
	literal itemKind = iota // the character char
	inSet                   // one character of set
	many                    // any characters, also none
	edge                    // nothing, but only at the place that char names
)

// item is one piece of a regular expression; plus repeats it.
type item struct {
	kind itemKind
	char rune
	set  set
	plus bool
}

// parseRegex reads the few forms that globToRegex makes.
func parseRegex(re []rune) (items []item, err error) {
	for i := 0; i < len(re); i++ {
		switch c := re[i]; {
		case c == '.' && i+1 < len(re) && re[i+1] == '*':
			items = append(items, item{kind: many})
			i++
		case c == '.':
			items = append(items, item{kind: inSet, set: set{negated: true}})
		case c == '\\' && i+1 < len(re):
			i++
			items = append(items, quoted(re[i]))
		case c == '[':
			s, n, err := parseSet(re[i+1:])
			if err != nil {
				return nil, err
			}
			i += n
			items = append(items, item{kind: inSet, set: s})
		case c == '+' && len(items) > 0:
			items[len(items)-1].plus = true
		default:
			items = append(items, item{kind: literal, char: c})
		}
	}
	return items, nil
}

// quoted is the item for a backslash and c.
func quoted(c rune) item {
	if slices.Contains([]rune("<>`'"), c) {
		return item{kind: edge, char: c}
	}
	return item{kind: literal, char: c}
}

// matchLine reports whether the items match text[start:end] as a whole. It
// follows all ways at once, so its cost is items × characters at worst.
func (g glob) matchLine(text []rune, start, end int) bool {
	here, next := make([]bool, len(g.items)+1), make([]bool, len(g.items)+1)
	here[0] = true
	for at := start; ; at++ {
		g.skip(here, text, at)
		if at == end {
			return here[len(g.items)]
		}
		clear(next)
		g.advance(here, next, text[at])
		here, next = next, here
	}
}

// skip adds the positions that are reached without a character.
func (g glob) skip(here []bool, text []rune, at int) {
	for i, it := range g.items {
		if here[i] && (it.kind == many || it.kind == edge && atEdge(it.char, text, at)) {
			here[i+1] = true
		}
	}
}

// advance adds to next the positions that are reached with c.
func (g glob) advance(here, next []bool, c rune) {
	for i, it := range g.items {
		if !here[i] || !it.takes(c) {
			continue
		}
		if it.kind == many {
			next[i] = true
			continue
		}
		next[i+1] = true
		next[i] = next[i] || it.plus
	}
}

func (it item) takes(c rune) bool {
	switch it.kind {
	case literal:
		return c == it.char
	case inSet:
		return it.set.has(c)
	case many:
		return true
	}
	return false
}

// atEdge reports whether position at of text is the start (`) or end (') of
// the text, or the start (<) or end (>) of a word.
func atEdge(kind rune, text []rune, at int) bool {
	before := at > 0 && isWord(text[at-1])
	after := at < len(text) && isWord(text[at])
	switch kind {
	case '`':
		return at == 0
	case '\'':
		return at == len(text)
	case '<':
		return !before && after
	}
	return before && !after
}

func isWord(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
