package pyfmt

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// JSON returns json.dumps(v, sort_keys=True): one line, separators ", " and
// ": ", everything outside printable ASCII escaped. Values may be nil, bool,
// numbers, json.Number, strings, slices, maps, Object, pointers to those;
// anything else is printed as the string that describes it.
func JSON(v any) string {
	e := encoder{ascii: true, indent: -1, item: ", ", key: ": "}
	return e.text(v)
}

// JSONIndent returns json.dumps(v, indent=indent, sort_keys=True,
// ensure_ascii=ascii). An indent of 0 breaks lines without indenting.
func JSONIndent(v any, indent int, ascii bool) string {
	e := encoder{ascii: ascii, indent: max(indent, 0), item: ",", key: ": "}
	return e.text(v)
}

// JSONCompact returns json.dumps(v, separators=(",", ":"), sort_keys=True,
// ensure_ascii=False).
func JSONCompact(v any) string {
	e := encoder{indent: -1, item: ",", key: ":"}
	return e.text(v)
}

type encoder struct {
	buf       []byte
	ascii     bool
	indent    int // blanks per level; negative: all on one line
	item, key string
}

func (e *encoder) text(v any) string {
	e.value(v, 0)
	return string(e.buf)
}

func (e *encoder) value(v any, depth int) {
	switch v := plain(v).(type) {
	case nil:
		e.buf = append(e.buf, "null"...)
	case bool:
		e.buf = strconv.AppendBool(e.buf, v)
	case int64:
		e.buf = strconv.AppendInt(e.buf, v, 10)
	case float64:
		e.buf = append(e.buf, jsonFloat(v)...)
	case json.Number:
		e.number(v)
	case string:
		e.str(v)
	case []any:
		e.list(v, depth)
	case Tuple:
		e.list(v, depth)
	case Object:
		e.object(v, depth)
	}
}

// number prints the literal as it is; what is no number becomes a string, so
// that the output stays JSON.
func (e *encoder) number(n json.Number) {
	if p := (parser{src: string(n)}); p.numberEnd() == len(n) && n != "" {
		e.buf = append(e.buf, n...)
		return
	}
	e.str(string(n))
}

func (e *encoder) list(v []any, depth int) {
	e.container('[', ']', len(v), depth, func(i int) { e.value(v[i], depth+1) })
}

func (e *encoder) object(v Object, depth int) {
	e.container('{', '}', len(v), depth, func(i int) {
		e.str(v[i].Key)
		e.buf = append(e.buf, e.key...)
		e.value(v[i].Value, depth+1)
	})
}

func (e *encoder) container(left, right byte, n, depth int, print func(int)) {
	e.buf = append(e.buf, left)
	for i := range n {
		if i > 0 {
			e.buf = append(e.buf, e.item...)
		}
		e.newline(depth + 1)
		print(i)
	}
	if n > 0 {
		e.newline(depth)
	}
	e.buf = append(e.buf, right)
}

func (e *encoder) newline(depth int) {
	if e.indent < 0 {
		return
	}
	e.buf = append(e.buf, '\n')
	e.buf = append(e.buf, strings.Repeat(" ", depth*e.indent)...)
}

func (e *encoder) str(s string) {
	e.buf = append(e.buf, '"')
	for s != "" {
		r, n := decode(s)
		e.char(r, s[:n])
		s = s[n:]
	}
	e.buf = append(e.buf, '"')
}

// char prints one code point; raw is how the string spells it.
func (e *encoder) char(r rune, raw string) {
	switch {
	case r == '"' || r == '\\':
		e.buf = append(e.buf, '\\', byte(r))
	case r < ' ':
		e.control(r)
	case r < 0x7f || !e.ascii:
		e.buf = append(e.buf, raw...)
	case r >= 0x10000:
		r -= 0x10000
		e.escape(0xD800 + r>>10)
		e.escape(0xDC00 + r&0x3FF)
	default:
		e.escape(r)
	}
}

func (e *encoder) control(r rune) {
	if i := strings.IndexRune("\n\r\t\f\b", r); i >= 0 {
		e.buf = append(e.buf, '\\', "nrtfb"[i])
		return
	}
	e.escape(r)
}

func (e *encoder) escape(r rune) {
	const hex = "0123456789abcdef"
	e.buf = append(e.buf, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return floatRepr(f)
}

// floatRepr returns repr(f) in Python: the shortest digits, an exponent below
// -4 or from 16 on.
func floatRepr(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
