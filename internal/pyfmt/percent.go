package pyfmt

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Percent returns format % args in Python for the conversions s, r, a, d, i, u
// and f with flags, width and precision, and %%. Errors (*TypeError) have
// Python's text.
func Percent(format string, args ...any) (string, error) {
	var out strings.Builder
	p := percent{src: format, args: args}
	for p.pos < len(format) {
		i := strings.IndexByte(format[p.pos:], '%')
		if i < 0 {
			break
		}
		out.WriteString(format[p.pos : p.pos+i])
		p.pos += i + 1
		text, err := p.conversion()
		if err != nil {
			return "", err
		}
		out.WriteString(text)
	}
	out.WriteString(format[min(p.pos, len(format)):])
	if len(p.args) > 0 {
		return "", &TypeError{"not all arguments converted during string formatting"}
	}
	return out.String(), nil
}

type percent struct {
	src  string
	pos  int
	args []any
}

// conversion handles what follows a percent sign.
func (p *percent) conversion() (string, error) {
	start := p.pos
	for p.pos < len(p.src) && strings.IndexByte("-+ 0#", p.src[p.pos]) >= 0 {
		p.pos++
	}
	flags := p.src[start:p.pos]
	width, _ := p.number()
	precision := -1
	if p.pos < len(p.src) && p.src[p.pos] == '.' {
		p.pos++
		precision, _ = p.number()
	}
	if width > maxWidth || precision > maxWidth {
		return "", &TypeError{"width too big"}
	}
	if p.pos >= len(p.src) {
		return "", &TypeError{"incomplete format"}
	}
	verb, n := decode(p.src[p.pos:])
	p.pos += n
	if verb == '%' {
		return "%", nil
	}
	return p.argument(verb, flags, width, precision)
}

func (p *percent) number() (n int, ok bool) {
	for ; p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9'; p.pos++ {
		n, ok = min(n*10+int(p.src[p.pos]-'0'), maxWidth+1), true
	}
	return n, ok
}

func (p *percent) argument(verb rune, flags string, width, precision int) (string, error) {
	if !strings.ContainsRune("sradiuf", verb) {
		return "", &TypeError{fmt.Sprintf("unsupported format character '%c' (%#x) at index %d",
			verb, verb, Len(p.src[:p.pos])-1)}
	}
	if len(p.args) == 0 {
		return "", &TypeError{"not enough arguments for format string"}
	}
	arg := p.args[0]
	p.args = p.args[1:]
	text, err := percentText(verb, arg, flags, precision)
	if err != nil {
		return "", err
	}
	return padPercent(text, verb, flags, width), nil
}

func percentText(verb rune, arg any, flags string, precision int) (string, error) {
	var text string
	switch verb {
	case 's':
		text = Str(arg)
	case 'r':
		text = Repr(arg)
	case 'a':
		text = ascii(arg)
	default:
		return percentNumber(verb, arg, flags, precision)
	}
	if precision >= 0 {
		text, _ = Cut(text, precision)
	}
	return text, nil
}

func percentNumber(verb rune, arg any, flags string, precision int) (string, error) {
	f, isInt, ok := number(arg)
	if !ok {
		what := "a real number is required"
		if verb == 'f' {
			return "", &TypeError{"must be real number, not " + typeName(arg)}
		}
		return "", &TypeError{fmt.Sprintf("%%%c format: %s, not %s", verb, what, typeName(arg))}
	}
	text := ""
	switch {
	case verb == 'f' && precision < 0:
		text = strconv.FormatFloat(f, 'f', 6, 64)
	case verb == 'f':
		text = strconv.FormatFloat(f, 'f', precision, 64)
	case isInt:
		text = intText(arg)
	default:
		text = strconv.FormatFloat(float64(int64(f)), 'f', -1, 64)
	}
	if !strings.HasPrefix(text, "-") && strings.Contains(flags, "+") {
		return "+" + text, nil
	}
	if !strings.HasPrefix(text, "-") && strings.Contains(flags, " ") {
		return " " + text, nil
	}
	return text, nil
}

func padPercent(text string, verb rune, flags string, width int) string {
	pad := width - Len(text)
	switch {
	case pad <= 0:
		return text
	case strings.Contains(flags, "-"):
		return text + strings.Repeat(" ", pad)
	case strings.Contains(flags, "0") && !strings.ContainsRune("sra", verb):
		sign := len(text) - len(strings.TrimLeft(text, "+- "))
		return text[:sign] + strings.Repeat("0", pad) + text[sign:]
	}
	return strings.Repeat(" ", pad) + text
}

// number returns v as a float; bools count as integers, as in Python.
func number(v any) (f float64, isInt, ok bool) {
	switch v := plain(v).(type) {
	case bool:
		if v {
			return 1, true, true
		}
		return 0, true, true
	case int64:
		return float64(v), true, true
	case float64:
		return v, false, true
	case json.Number:
		f, err := v.Float64()
		return f, !strings.ContainsAny(string(v), ".eE"), err == nil
	}
	return 0, false, false
}

// intText returns the decimal digits of an integer (see number).
func intText(v any) string {
	if b, ok := plain(v).(bool); ok {
		return map[bool]string{false: "0", true: "1"}[b]
	}
	return Repr(v)
}

// typeName returns what Python calls the type of v.
func typeName(v any) string {
	switch v := plain(v).(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case []any:
		return "list"
	case Tuple:
		return "tuple"
	case Object:
		return "dict"
	default:
		if _, isInt, _ := number(v); isInt {
			return "int"
		}
		return "float"
	}
}
