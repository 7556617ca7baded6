package pyfmt

import (
	"errors"
	"strconv"
	"strings"
)

// ErrUnknown is what a Lookup returns for a name that it does not know.
var ErrUnknown = errors.New("unknown name")

// Lookup finds the value of a name in a template. It returns ErrUnknown for an
// unknown name, which Format turns into a *KeyError; other errors end Format
// unchanged. It is called once per occurrence, in order.
//
// A value is anything that JSON prints. It may implement FieldFormatter or
// Indexer to have its own meaning of {name:spec} and {name[key]}.
type Lookup func(name string) (any, error)

// FieldFormatter is a value that decides what a format specification does to
// it (__format__ in Python). A conversion such as !r comes before and makes it
// a string.
type FieldFormatter interface {
	FormatField(spec string) (string, error)
}

// Indexer is a value that decides what {name[key]} means.
type Indexer interface {
	Index(key string) (any, error)
}

// Values returns the Lookup of a map.
func Values(m map[string]any) Lookup {
	return func(name string) (any, error) {
		if v, ok := m[name]; ok {
			return v, nil
		}
		return nil, ErrUnknown
	}
}

// Format returns tmpl.format(**values) in Python: {name}, {name[key]}, !r, !s,
// !a, :spec with nested fields, {{ and }}. As there, errors are found from left
// to right: *KeyError (unknown name or key), *IndexError, *PositionalError,
// *TypeError (value and use do not fit) or *SyntaxError (braces and
// the like), with CPython's text.
func Format(tmpl string, lookup Lookup) (string, error) {
	return FormatAt(tmpl, func(name string, _ int) (any, error) { return lookup(name) })
}

// FormatAt is Format for values that depend on where they go: lookup is also
// told the byte offset in tmpl of the field's opening brace (for a field within
// a format specification, that of the outer field).
func FormatAt(tmpl string, lookup func(name string, at int) (any, error)) (string, error) {
	at := 0
	seen := func(pos int) { at = pos }
	return format(tmpl, func(name string) (any, error) { return lookup(name, at) }, 2, seen)
}

// format calls seen with the offset of each field before it is filled in.
func format(tmpl string, lookup Lookup, depth int, seen func(pos int)) (string, error) {
	if depth <= 0 {
		return "", &SyntaxError{"Max string recursion exceeded"}
	}
	var out strings.Builder
	t := template{rest: tmpl}
	for t.rest != "" {
		field, err := t.next(&out)
		if err != nil {
			return "", err
		}
		if field == nil {
			continue
		}
		seen(len(tmpl) - field.left)
		text, err := field.text(lookup, depth)
		if err != nil {
			return "", err
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// template is what is left of a template.
type template struct{ rest string }

// field is one replacement field: {name!conversion:spec}.
type field struct {
	name, spec string
	conversion string // one character, or empty
	left       int    // bytes of the template from its opening brace on
}

// next writes the literal text up to the next field and returns that field, or
// nil after an escaped brace or at the end.
func (t *template) next(out *strings.Builder) (*field, error) {
	i := strings.IndexAny(t.rest, "{}")
	if i < 0 {
		out.WriteString(t.rest)
		t.rest = ""
		return nil, nil
	}
	brace := t.rest[i]
	out.WriteString(t.rest[:i])
	t.rest = t.rest[i+1:]
	if t.rest != "" && t.rest[0] == brace {
		out.WriteByte(brace)
		t.rest = t.rest[1:]
		return nil, nil
	}
	if brace == '}' || t.rest == "" {
		return nil, &SyntaxError{"Single '" + string(brace) + "' encountered in format string"}
	}
	left := len(t.rest) + 1
	f, err := t.field()
	if err == nil {
		f.left = left
	}
	return f, err
}

// field parses what follows an opening brace.
func (t *template) field() (*field, error) {
	name, end, err := t.fieldName()
	if err != nil {
		return nil, err
	}
	f := &field{name: name}
	if end == '!' {
		if t.rest == "" {
			return nil, &SyntaxError{"end of string while looking for conversion specifier"}
		}
		_, n := decode(t.rest)
		f.conversion, t.rest = t.rest[:n], t.rest[n:]
		if t.rest != "" {
			end, t.rest = t.rest[0], t.rest[1:]
			if end != '}' && end != ':' {
				return nil, &SyntaxError{"expected ':' after conversion specifier"}
			}
		}
	}
	if end == '}' {
		return f, nil
	}
	f.spec, err = t.spec()
	return f, err
}

// fieldName reads up to and including '}', ':' or '!', and returns which of
// these it was. Within [] everything belongs to the name.
func (t *template) fieldName() (name string, end byte, err error) {
	for i := 0; i < len(t.rest); i++ {
		switch c := t.rest[i]; c {
		case '{':
			return "", 0, &SyntaxError{"unexpected '{' in field name"}
		case '[':
			n := strings.IndexByte(t.rest[i:], ']')
			if n < 0 {
				n = len(t.rest) - i
			}
			i += n - 1
		case '}', ':', '!':
			name, t.rest = t.rest[:i], t.rest[i+1:]
			return name, c, nil
		}
	}
	return "", 0, &SyntaxError{"expected '}' before end of string"}
}

// spec reads a format specification and its closing brace.
func (t *template) spec() (string, error) {
	open := 1
	for i := range len(t.rest) {
		switch t.rest[i] {
		case '{':
			open++
		case '}':
			open--
		}
		if open == 0 {
			spec := t.rest[:i]
			t.rest = t.rest[i+1:]
			return spec, nil
		}
	}
	return "", &SyntaxError{"unmatched '{' in format spec"}
}

func (f *field) text(lookup Lookup, depth int) (string, error) {
	v, err := resolve(f.name, lookup)
	if err != nil {
		return "", err
	}
	if v, err = convert(v, f.conversion); err != nil {
		return "", err
	}
	spec := f.spec
	if strings.Contains(spec, "{") {
		if spec, err = format(spec, lookup, depth-1, func(int) {}); err != nil {
			return "", err
		}
	}
	if ff, ok := v.(FieldFormatter); ok {
		return ff.FormatField(spec)
	}
	return FormatValue(v, spec)
}

// resolve finds the value of name[key][key]….
func resolve(name string, lookup Lookup) (any, error) {
	first, rest := name, ""
	if i := strings.IndexAny(name, "[."); i >= 0 {
		first, rest = name[:i], name[i:]
	}
	if n, digits, err := integer(first); err != nil {
		return nil, err
	} else if first == "" || digits {
		return nil, &PositionalError{n}
	}
	v, err := lookup(first)
	if errors.Is(err, ErrUnknown) {
		return nil, &KeyError{first}
	}
	for err == nil && rest != "" {
		v, rest, err = step(v, rest)
	}
	return v, err
}

// step applies the first [key] or .attribute of rest to v.
func step(v any, rest string) (any, string, error) {
	switch rest[0] {
	case '[':
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return nil, "", &SyntaxError{"Missing ']' in format string"}
		}
		if end == 1 {
			return nil, "", errEmptyAttribute()
		}
		item, err := index(v, rest[1:end])
		return item, rest[end+1:], err
	case '.':
		name := rest[1:]
		if i := strings.IndexAny(name, "[."); i >= 0 {
			name = name[:i]
		}
		if name == "" {
			return nil, "", errEmptyAttribute()
		}
		return nil, "", &TypeError{"'" + typeName(v) + "' object has no attribute " + Repr(name)}
	}
	return nil, "", &SyntaxError{"Only '.' or '[' may follow ']' in format field specifier"}
}

func errEmptyAttribute() error { return &SyntaxError{"Empty attribute in format string"} }

// integer returns the number that s spells, if it consists of digits.
func integer(s string) (n int, ok bool, err error) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false, nil
		}
	}
	if s == "" {
		return 0, false, nil
	}
	if n, err = strconv.Atoi(s); err != nil {
		return 0, true, &SyntaxError{"Too many decimal digits in format string"}
	}
	return n, true, nil
}

func convert(v any, conversion string) (any, error) {
	switch conversion {
	case "":
		return v, nil
	case "s":
		return Str(v), nil
	case "r":
		return Repr(v), nil
	case "a":
		return ascii(v), nil
	}
	return nil, &SyntaxError{"Unknown conversion specifier " + conversion}
}
