package pyfmt

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Repr returns repr(v) in Python, for the values that JSON takes; maps are
// printed with sorted keys, Tuple as a tuple.
func Repr(v any) string {
	var b strings.Builder
	writeRepr(&b, v, false)
	return b.String()
}

// Str returns str(v) in Python: strings as they are, all else as Repr.
func Str(v any) string {
	if s, ok := plain(v).(string); ok {
		return s
	}
	return Repr(v)
}

// ascii returns ascii(v) in Python.
func ascii(v any) string {
	var b strings.Builder
	writeRepr(&b, v, true)
	return b.String()
}

func writeRepr(b *strings.Builder, v any, ascii bool) {
	switch v := plain(v).(type) {
	case nil:
		b.WriteString("None")
	case bool:
		b.WriteString(boolRepr(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(floatRepr(v))
	case json.Number:
		b.WriteString(numberRepr(v))
	case string:
		writeStringRepr(b, v, ascii)
	case []any:
		writeListRepr(b, "[", v, "]", ascii)
	case Tuple:
		end := ")"
		if len(v) == 1 {
			end = ",)"
		}
		writeListRepr(b, "(", v, end, ascii)
	case Object:
		writeDictRepr(b, v, ascii)
	}
}

// numberRepr prints what Python's json.loads makes of the literal.
func numberRepr(n json.Number) string {
	if f, err := n.Float64(); err == nil && strings.ContainsAny(string(n), ".eE") {
		return floatRepr(f)
	}
	return string(n)
}

func boolRepr(v bool) string {
	if v {
		return "True"
	}
	return "False"
}

func writeListRepr(b *strings.Builder, left string, v []any, right string, ascii bool) {
	b.WriteString(left)
	for i, item := range v {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, item, ascii)
	}
	b.WriteString(right)
}

func writeDictRepr(b *strings.Builder, v Object, ascii bool) {
	b.WriteByte('{')
	for i, m := range v {
		if i > 0 {
			b.WriteString(", ")
		}
		writeStringRepr(b, m.Key, ascii)
		b.WriteString(": ")
		writeRepr(b, m.Value, ascii)
	}
	b.WriteByte('}')
}

func writeStringRepr(b *strings.Builder, s string, ascii bool) {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteRune(quote)
	for s != "" {
		r, n := decode(s)
		writeCharRepr(b, r, quote, ascii)
		s = s[n:]
	}
	b.WriteRune(quote)
}

func writeCharRepr(b *strings.Builder, r, quote rune, ascii bool) {
	switch {
	case r == quote || r == '\\':
		b.WriteByte('\\')
		b.WriteRune(r)
	case r == '\n':
		b.WriteString(`\n`)
	case r == '\r':
		b.WriteString(`\r`)
	case r == '\t':
		b.WriteString(`\t`)
	case r < 0x7f && r >= ' ', !ascii && r > 0x7f && unicode.IsPrint(r):
		b.WriteRune(r)
	case r < 0x100:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}
