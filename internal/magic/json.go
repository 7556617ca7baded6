package magic

import "bytes"

// jsonDepth is how deep arrays and objects may nest.
const jsonDepth = 250

// jsonType returns "application/json", "application/x-ndjson" (several
// objects, or several arrays, in a row) or "". It is as lenient as libmagic:
// a comma before a closing bracket and numbers such as .5 and 01 pass, and so
// does any byte inside a string.
func jsonType(b []byte, cut bool) string {
	s := jsonScanner{b: b}
	kind, values := byte(0), 0
	for s.space(); s.i < len(b); s.space() {
		c := b[s.i]
		if c != '{' && c != '[' || values > 0 && c != kind {
			return ""
		}
		if !s.value(0) {
			if cut && s.i >= len(b) {
				values++
				break
			}
			return ""
		}
		kind = c
		values++
	}
	switch {
	case values == 0:
		return ""
	case values > 1:
		return "application/x-ndjson"
	}
	return "application/json"
}

// jsonScanner walks over JSON. After a failure, i at the end of b means that
// the input ended too early.
type jsonScanner struct {
	b []byte
	i int
}

func (s *jsonScanner) space() {
	for s.i < len(s.b) && bytes.IndexByte([]byte(" \t\r\n"), s.b[s.i]) >= 0 {
		s.i++
	}
}

// take steps over c, after space.
func (s *jsonScanner) take(c byte) bool {
	s.space()
	if s.i >= len(s.b) || s.b[s.i] != c {
		return false
	}
	s.i++
	return true
}

// value steps over one value.
func (s *jsonScanner) value(depth int) bool {
	s.space()
	if s.i >= len(s.b) || depth > jsonDepth {
		return false
	}
	switch c := s.b[s.i]; {
	case c == '{':
		s.i++
		return s.members('}', func() bool { return s.member(depth + 1) })
	case c == '[':
		s.i++
		return s.members(']', func() bool { return s.value(depth + 1) })
	case c == '"':
		s.i++
		return s.text()
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	}
	return s.number()
}

// members steps over the rest of an array or object up to its closing bracket.
func (s *jsonScanner) members(end byte, one func() bool) bool {
	for {
		if s.take(end) {
			return true
		}
		if !one() {
			return false
		}
		if s.take(end) {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

func (s *jsonScanner) member(depth int) bool {
	return s.take('"') && s.text() && s.take(':') && s.value(depth)
}

// text steps over the rest of a string.
func (s *jsonScanner) text() bool {
	for s.i < len(s.b) {
		c := s.b[s.i]
		s.i++
		switch {
		case c == '"':
			return true
		case c == 0, c == '\\' && !s.escape():
			return false
		}
	}
	return false
}

func (s *jsonScanner) escape() bool {
	if s.i >= len(s.b) {
		return false
	}
	c := s.b[s.i]
	if c == 'u' {
		s.i++
		return s.run(isHex, 4) == 4
	}
	if bytes.IndexByte([]byte(`"\/bfnrt`), c) < 0 {
		return false
	}
	s.i++
	return true
}

func (s *jsonScanner) word(w string) bool {
	for i := range len(w) {
		if s.i >= len(s.b) || s.b[s.i] != w[i] {
			return false
		}
		s.i++
	}
	return true
}

func (s *jsonScanner) number() bool {
	s.skip("-")
	n := s.run(isDigit, len(s.b))
	if s.skip(".") {
		n += s.run(isDigit, len(s.b))
	}
	if n == 0 {
		return false
	}
	if s.skip("eE") {
		s.skip("+-")
		return s.run(isDigit, len(s.b)) > 0
	}
	return true
}

// skip steps over one byte of set.
func (s *jsonScanner) skip(set string) bool {
	ok := s.i < len(s.b) && bytes.IndexByte([]byte(set), s.b[s.i]) >= 0
	if ok {
		s.i++
	}
	return ok
}

// run steps over up to limit bytes that ok likes and counts them.
func (s *jsonScanner) run(ok func(byte) bool, limit int) (n int) {
	for n < limit && s.i < len(s.b) && ok(s.b[s.i]) {
		s.i++
		n++
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
