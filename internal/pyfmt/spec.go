package pyfmt

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// maxWidth bounds widths and precisions, so that a template from a repository
// cannot exhaust memory.
const maxWidth = 1 << 20

// spec is a parsed format specification:
// [[fill]align][sign][#][0][width][grouping][.precision][type]
type spec struct {
	fill      string
	align     byte // one of <>=^, or 0
	sign      byte // one of "+- ", or 0
	alternate bool
	width     int
	group     byte // ',' '_' or 0
	precision int  // -1: none
	verb      rune // 0: none
}

// FormatValue returns format(v, spec) in Python for strings and numbers; other
// values allow only an empty specification.
func FormatValue(v any, format string) (string, error) {
	v = plain(v)
	if format == "" {
		return Str(v), nil
	}
	text, isText := v.(string)
	_, isInt, isNumber := number(v)
	if !isText && !isNumber {
		return "", &TypeError{"unsupported format string passed to " + typeName(v) + ".__format__"}
	}
	s, err := parseSpec(format, v)
	if err != nil {
		return "", err
	}
	switch {
	case isText:
		return s.str(text)
	case isInt && (s.verb == 0 || strings.ContainsRune("dnboxX", s.verb)):
		return s.integer(v)
	}
	return s.float(v)
}

func parseSpec(format string, v any) (spec, error) {
	s := spec{fill: " ", precision: -1}
	rest := s.alignment(format)
	if rest != "" && strings.IndexByte("+- ", rest[0]) >= 0 {
		s.sign, rest = rest[0], rest[1:]
	}
	if strings.HasPrefix(rest, "#") {
		s.alternate, rest = true, rest[1:]
	}
	if strings.HasPrefix(rest, "0") {
		rest = rest[1:]
		s.zeros(v)
	}
	var ok bool
	s.width, rest, _ = specNumber(rest)
	if rest != "" && (rest[0] == ',' || rest[0] == '_') {
		s.group, rest = rest[0], rest[1:]
	}
	if strings.HasPrefix(rest, ".") {
		if s.precision, rest, ok = specNumber(rest[1:]); !ok {
			return s, &TypeError{"Format specifier missing precision"}
		}
	}
	if s.width > maxWidth || s.precision > maxWidth {
		return s, &TypeError{"Too many decimal digits in format string"}
	}
	if rest == "" {
		return s, nil
	}
	verb, n := decode(rest)
	if s.verb = verb; n < len(rest) {
		return s, &TypeError{fmt.Sprintf("Invalid format specifier '%s' for object of type '%s'", format, typeName(v))}
	}
	return s, nil
}

// alignment reads [[fill]align] and returns the rest.
func (s *spec) alignment(format string) string {
	_, n := decode(format)
	const aligns = "<>=^"
	if n < len(format) && strings.IndexByte(aligns, format[n]) >= 0 {
		s.fill, s.align = format[:n], format[n]
		return format[n+1:]
	}
	if strings.IndexByte(aligns, format[0]) >= 0 {
		s.align = format[0]
		return format[1:]
	}
	return format
}

// zeros handles the 0 before a width. Numbers get it between sign and digits.
func (s *spec) zeros(v any) {
	if s.align != 0 && s.fill != " " {
		return
	}
	s.fill = "0"
	if _, isText := v.(string); !isText && s.align == 0 {
		s.align = '='
	}
}

func specNumber(s string) (n int, rest string, ok bool) {
	for s != "" && s[0] >= '0' && s[0] <= '9' {
		n, s, ok = min(n*10+int(s[0]-'0'), maxWidth+1), s[1:], true
	}
	return n, s, ok
}

func (s spec) str(text string) (string, error) {
	bad := ""
	switch {
	case s.verb != 0 && s.verb != 's':
		return "", s.unknownVerb("str")
	case s.group != 0:
		bad = fmt.Sprintf("Cannot specify '%c' with 's'.", s.group)
	case s.sign == ' ':
		bad = "Space not allowed in string format specifier"
	case s.sign != 0:
		bad = "Sign not allowed in string format specifier"
	case s.alternate:
		bad = "Alternate form (#) not allowed in string format specifier"
	case s.align == '=':
		bad = "'=' alignment not allowed in string format specifier"
	}
	if bad != "" {
		return "", &TypeError{bad}
	}
	if s.precision >= 0 {
		text, _ = Cut(text, s.precision)
	}
	return s.pad("", text, '<'), nil
}

func (s spec) unknownVerb(kind string) error {
	return &TypeError{fmt.Sprintf("Unknown format code '%c' for object of type '%s'", s.verb, kind)}
}

func (s spec) integer(v any) (string, error) {
	if s.precision >= 0 {
		return "", &TypeError{"Precision not allowed in integer format specifier"}
	}
	n, ok := new(big.Int).SetString(intText(v), 10)
	if !ok {
		return "", s.unknownVerb("int")
	}
	if s.group == ',' && s.verb != 0 && s.verb != 'd' {
		return "", &TypeError{fmt.Sprintf("Cannot specify ',' with '%c'.", s.verb)}
	}
	bases := map[rune]int{'b': 2, 'o': 8, 'x': 16, 'X': 16}
	base, prefix := bases[s.verb], ""
	if base == 0 {
		base = 10
	} else if s.alternate {
		prefix = "0" + string(s.verb)
	}
	digits := new(big.Int).Abs(n).Text(base)
	if s.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	return s.pad(s.signOf(n.Sign() < 0)+prefix, s.grouped(digits, base), '>'), nil
}

func (s spec) float(v any) (string, error) {
	f, isInt, _ := number(v)
	verb, precision, suffix := byte('f'), s.precision, ""
	if precision < 0 {
		precision = 6
	}
	switch s.verb {
	case 'e', 'E', 'f', 'F', 'g', 'G', 'n':
		verb = byte(s.verb)
	case '%':
		f, suffix = f*100, "%"
	case 0:
		verb = 0
	default:
		return "", s.unknownVerb(map[bool]string{true: "int", false: "float"}[isInt])
	}
	digits := floatDigits(math.Abs(f), verb, precision, s.precision < 0)
	whole, fraction := digits, ""
	if i := strings.IndexAny(digits, ".eEin"); i >= 0 {
		whole, fraction = digits[:i], digits[i:]
	}
	return s.pad(s.signOf(math.Signbit(f)), s.grouped(whole, 10)+fraction+suffix, '>'), nil
}

func floatDigits(f float64, verb byte, precision int, shortest bool) string {
	switch {
	case verb == 0 && shortest:
		return floatRepr(f)
	case verb == 'F':
		return strings.ToUpper(strconv.FormatFloat(f, 'f', precision, 64))
	case verb == 0 || verb == 'n' || verb == 'g' || verb == 'G':
		return general(f, max(precision, 1), verb)
	}
	return strconv.FormatFloat(f, verb, precision, 64)
}

// general prints precision significant digits without trailing zeros.
func general(f float64, precision int, verb byte) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return floatRepr(f)
	}
	text := strconv.FormatFloat(f, 'g', precision, 64)
	if verb == 'G' {
		text = strings.ToUpper(text)
	}
	if verb == 0 && !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return text
}

func (s spec) signOf(negative bool) string {
	switch {
	case negative:
		return "-"
	case s.sign == '+' || s.sign == ' ':
		return string(s.sign)
	}
	return ""
}

// grouped puts the grouping character between thousands (or four hex digits).
func (s spec) grouped(digits string, base int) string {
	if s.group == 0 {
		return digits
	}
	size := 3
	if base != 10 {
		size = 4
	}
	for i := len(digits) - size; i > 0; i -= size {
		digits = digits[:i] + string(s.group) + digits[i:]
	}
	return digits
}

// pad fills up to the width; usual is the alignment where none is given.
func (s spec) pad(sign, text string, usual byte) string {
	n := s.width - Len(sign) - Len(text)
	if n <= 0 {
		return sign + text
	}
	align := s.align
	if align == 0 {
		align = usual
	}
	switch align {
	case '<':
		return sign + text + strings.Repeat(s.fill, n)
	case '^':
		return strings.Repeat(s.fill, n/2) + sign + text + strings.Repeat(s.fill, n-n/2)
	case '=':
		return sign + strings.Repeat(s.fill, n) + text
	}
	return strings.Repeat(s.fill, n) + sign + text
}
