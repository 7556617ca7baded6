package pyfmt

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSONError says where and why a text is not JSON.
type JSONError struct {
	Offset int // in bytes
	Text   string
}

func (e *JSONError) Error() string {
	return fmt.Sprintf("%s at byte %d", e.Text, e.Offset)
}

// ParseJSON reads what Python's json.loads reads (NaN and Infinity included)
// without losing anything: numbers are json.Number, bytes that are not UTF-8
// stay as they are, and \udc80 to \udcff stand for such bytes. Other unpaired
// surrogates become their three bytes. Objects are map[string]any, lists are
// []any; of equal keys the last one counts. Deeper nesting than maxDepth and
// everything that is not JSON is a *JSONError.
func ParseJSON(text string, maxDepth int) (any, error) {
	p := parser{src: text, depth: maxDepth}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	p.blanks()
	if p.pos < len(p.src) {
		return nil, p.fail("extra data")
	}
	return v, nil
}

type parser struct {
	src   string
	pos   int
	depth int // levels that are still allowed
}

func (p *parser) fail(text string) error { return &JSONError{p.pos, text} }

func (p *parser) blanks() {
	for p.pos < len(p.src) && strings.IndexByte(" \t\n\r", p.src[p.pos]) >= 0 {
		p.pos++
	}
}

// accept skips blanks and, if it comes next, the byte c.
func (p *parser) accept(c byte) bool {
	p.blanks()
	if p.pos < len(p.src) && p.src[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) value() (any, error) {
	switch {
	case p.accept('"'):
		return p.str()
	case p.accept('{'):
		return p.nested(p.object)
	case p.accept('['):
		return p.nested(p.list)
	}
	if v, ok := p.literal(); ok {
		return v, nil
	}
	end := p.numberEnd()
	if end == p.pos {
		return nil, p.fail("expecting value")
	}
	n := json.Number(p.src[p.pos:end])
	p.pos = end
	return n, nil
}

func (p *parser) literal() (any, bool) {
	words := [...]struct {
		word  string
		value any
	}{
		{"null", nil}, {"true", true}, {"false", false},
		{"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)},
	}
	for _, w := range words {
		if strings.HasPrefix(p.src[p.pos:], w.word) {
			p.pos += len(w.word)
			return w.value, true
		}
	}
	return nil, false
}

func (p *parser) nested(read func() (any, error)) (any, error) {
	if p.depth <= 0 {
		return nil, p.fail("nested too deeply")
	}
	p.depth--
	defer func() { p.depth++ }()
	return read()
}

func (p *parser) list() (any, error) {
	list := []any{}
	if p.accept(']') {
		return list, nil
	}
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.accept(']') {
			return list, nil
		}
		if !p.accept(',') {
			return nil, p.fail("expecting ',' delimiter")
		}
	}
}

func (p *parser) object() (any, error) {
	obj := map[string]any{}
	if p.accept('}') {
		return obj, nil
	}
	for {
		if err := p.member(obj); err != nil {
			return nil, err
		}
		if p.accept('}') {
			return obj, nil
		}
		if !p.accept(',') {
			return nil, p.fail("expecting ',' delimiter")
		}
	}
}

func (p *parser) member(obj map[string]any) error {
	if !p.accept('"') {
		return p.fail("expecting property name enclosed in double quotes")
	}
	key, err := p.str()
	if err != nil {
		return err
	}
	if !p.accept(':') {
		return p.fail("expecting ':' delimiter")
	}
	v, err := p.value()
	if err != nil {
		return err
	}
	obj[key] = v
	return nil
}

// numberEnd returns where the number at pos ends; pos itself if there is none.
func (p *parser) numberEnd() int {
	i := p.pos
	if i < len(p.src) && p.src[i] == '-' {
		i++
	}
	whole := p.digits(i)
	if whole == i {
		return p.pos
	}
	if p.src[i] == '0' {
		whole = i + 1
	}
	i = whole
	if i < len(p.src) && p.src[i] == '.' && p.digits(i+1) > i+1 {
		i = p.digits(i + 1)
	}
	if i < len(p.src) && (p.src[i] == 'e' || p.src[i] == 'E') {
		j := i + 1
		if j < len(p.src) && (p.src[j] == '+' || p.src[j] == '-') {
			j++
		}
		if p.digits(j) > j {
			i = p.digits(j)
		}
	}
	return i
}

func (p *parser) digits(i int) int {
	for i < len(p.src) && p.src[i] >= '0' && p.src[i] <= '9' {
		i++
	}
	return i
}

// str reads the rest of a string after its opening quote.
func (p *parser) str() (string, error) {
	var out []byte
	for start := p.pos; p.pos < len(p.src); {
		c := p.src[p.pos]
		switch {
		case c == '"':
			out = append(out, p.src[start:p.pos]...)
			p.pos++
			return string(out), nil
		case c < ' ':
			return "", p.fail("invalid control character")
		case c != '\\':
			p.pos++
			continue
		}
		out = append(out, p.src[start:p.pos]...)
		p.pos++
		var err error
		if out, err = p.escape(out); err != nil {
			return "", err
		}
		start = p.pos
	}
	return "", p.fail("unterminated string")
}

// escape appends what the escape sequence after the backslash stands for.
func (p *parser) escape(out []byte) ([]byte, error) {
	if p.pos >= len(p.src) {
		return nil, p.fail("unterminated string")
	}
	c := p.src[p.pos]
	if c == 'u' {
		return p.unicode(out)
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		return nil, p.fail(`invalid \escape`)
	}
	p.pos++
	return append(out, "\"\\/\b\f\n\r\t"[i]), nil
}

// unicode reads uXXXX, and the second half of a surrogate pair.
func (p *parser) unicode(out []byte) ([]byte, error) {
	r, ok := p.hex4()
	if !ok {
		return nil, p.fail(`invalid \uXXXX escape`)
	}
	if r >= 0xD800 && r < 0xDC00 && strings.HasPrefix(p.src[p.pos:], `\u`) {
		mark := p.pos
		p.pos++
		low, ok := p.hex4()
		if !ok {
			return nil, p.fail(`invalid \uXXXX escape`)
		}
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return utf8.AppendRune(out, pair), nil
		}
		p.pos = mark
	}
	switch {
	case r >= 0xDC80 && r <= 0xDCFF:
		return append(out, byte(r)), nil
	case r >= 0xD800 && r <= 0xDFFF:
		return append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6&0x3F), 0x80|byte(r&0x3F)), nil
	}
	return utf8.AppendRune(out, r), nil
}

func (p *parser) hex4() (rune, bool) {
	if p.pos+5 > len(p.src) {
		return 0, false
	}
	n, err := strconv.ParseUint(p.src[p.pos+1:p.pos+5], 16, 16)
	if err != nil {
		return 0, false
	}
	p.pos += 5
	return rune(n), true
}
