package iospec

import (
	"slices"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

// matcher is a compiled component pattern with the meaning of Python's fnmatch:
// *, ? and [...] match code points, and there is no escape character.
type matcher []token

// token matches one code point, or (star) any number of them.
type token struct {
	star   bool
	any    bool
	negate bool
	ranges [][2]rune // inclusive; in order of writing
}

func compile(pattern string) matcher {
	p := pyfmt.Runes(pattern)
	var m matcher
	for i := 0; i < len(p); {
		switch p[i] {
		case '*':
			if len(m) == 0 || !m[len(m)-1].star {
				m = append(m, token{star: true})
			}
			i++
		case '?':
			m = append(m, token{any: true})
			i++
		case '[':
			if end := setEnd(p, i+1); end > 0 {
				m = append(m, compileSet(p[i+1:end]))
				i = end + 1
				continue
			}
			fallthrough
		default:
			m = append(m, token{ranges: [][2]rune{{p[i], p[i]}}})
			i++
		}
	}
	return m
}

// setEnd returns where the set that begins at p[i] is closed, or 0.
func setEnd(p []rune, i int) int {
	if i < len(p) && p[i] == '!' {
		i++
	}
	if i < len(p) && p[i] == ']' {
		i++
	}
	for ; i < len(p); i++ {
		if p[i] == ']' {
			return i
		}
	}
	return 0
}

// compileSet handles what is between brackets. Ranges that are empty, such as
// z-a, match nothing.
func compileSet(set []rune) token {
	t := token{negate: set[0] == '!'}
	if t.negate {
		set = set[1:]
	}
	for len(set) > 0 {
		if len(set) >= 3 && set[1] == '-' {
			if set[0] <= set[2] {
				t.ranges = append(t.ranges, [2]rune{set[0], set[2]})
			}
			set = set[3:]
			continue
		}
		t.ranges = append(t.ranges, [2]rune{set[0], set[0]})
		set = set[1:]
	}
	return t
}

func (t token) matches(r rune) bool {
	in := slices.ContainsFunc(t.ranges, func(x [2]rune) bool { return x[0] <= r && r <= x[1] })
	return t.any || in != t.negate
}

// match runs in time proportional to the product of the lengths.
func (m matcher) match(name string) bool {
	s := pyfmt.Runes(name)
	i, j := 0, 0
	star, from := -1, 0 // the last star, and where its match ends
	for j < len(s) {
		switch {
		case i < len(m) && m[i].star:
			star, from = i, j
			i++
		case i < len(m) && m[i].matches(s[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(m) && m[i].star {
		i++
	}
	return i == len(m)
}
