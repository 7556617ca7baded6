package wildmatch

import "strings"

// set matches c against the set whose content starts at p, behind the bracket.
// It returns how many bytes it takes with the closing bracket; a set without
// one, or with an unknown class, matches nothing.
func (m *matcher) set(p int, c byte) (used int, ok bool) {
	s := setScanner{rest: m.pattern[p:], char: c, fold: m.flags&FoldCase != 0}
	negated := strings.HasPrefix(s.rest, "!") || strings.HasPrefix(s.rest, "^")
	if negated {
		s.rest = s.rest[1:]
	}
	for first := true; first || s.rest != "" && s.rest[0] != ']'; first = false {
		if !s.element() {
			return 0, false
		}
	}
	if s.rest == "" {
		return 0, false
	}
	return len(m.pattern) - p - len(s.rest) + 1, s.matched != negated
}

// setScanner walks over the elements of a set.
type setScanner struct {
	rest    string
	char    byte // what is to be matched, folded if fold is set
	fold    bool
	matched bool
	prev    byte // the element before, if it may start a range, else 0
}

// element steps over one element; false means that the set is broken.
func (s *setScanner) element() bool {
	if s.rest == "" {
		return false
	}
	switch c := s.rest[0]; {
	case c == '-' && s.prev != 0 && len(s.rest) > 1 && s.rest[1] != ']':
		s.rest = s.rest[1:]
		hi, ok := s.single()
		s.span(s.prev, hi)
		s.prev = 0
		return ok
	case c == '[' && strings.HasPrefix(s.rest[1:], ":"):
		return s.class()
	}
	c, ok := s.single()
	s.matched = s.matched || ok && c == s.char
	s.prev = c
	return ok
}

// single takes one byte, or two if it is quoted.
func (s *setScanner) single() (byte, bool) {
	if s.rest[0] == '\\' {
		s.rest = s.rest[1:]
	}
	if s.rest == "" {
		return 0, false
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	return c, true
}

// span matches an inclusive range.
func (s *setScanner) span(lo, hi byte) {
	in := func(c byte) bool { return lo <= c && c <= hi }
	upper := s.fold && isLower(s.char) && in(s.char-'a'+'A')
	s.matched = s.matched || in(s.char) || upper
}

// class takes [:name:]. Where no ":]" ends it, the bracket is literal.
func (s *setScanner) class() bool {
	end := strings.IndexByte(s.rest[2:], ']')
	if end < 0 {
		return false
	}
	name, ok := strings.CutSuffix(s.rest[2:2+end], ":")
	if !ok {
		s.matched = s.matched || s.char == '['
		s.prev, s.rest = '[', s.rest[1:]
		return true
	}
	is, known := class(name)
	if !known {
		return false
	}
	s.matched = s.matched || is(s.char) || name == "upper" && s.fold && isLower(s.char)
	s.prev, s.rest = 0, s.rest[2+end+1:]
	return true
}

// class returns the test for a named class, in ASCII as git has it: the
// vertical tab and the form feed are no space.
func class(name string) (is func(byte) bool, known bool) {
	switch name {
	case "alnum":
		return isAlnum, true
	case "alpha":
		return func(c byte) bool { return isLower(c) || isUpper(c) }, true
	case "blank":
		return func(c byte) bool { return c == ' ' || c == '\t' }, true
	case "cntrl":
		return func(c byte) bool { return c < ' ' || c == 0x7f }, true
	case "digit":
		return isDigit, true
	case "graph":
		return func(c byte) bool { return c > ' ' && c < 0x7f }, true
	case "lower":
		return isLower, true
	case "print":
		return func(c byte) bool { return c >= ' ' && c < 0x7f }, true
	case "punct":
		return func(c byte) bool { return c > ' ' && c < 0x7f && !isAlnum(c) }, true
	case "space":
		return func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }, true
	case "upper":
		return isUpper, true
	case "xdigit":
		return func(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }, true
	}
	return nil, false
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlnum(c byte) bool { return isLower(c) || isUpper(c) || isDigit(c) }
