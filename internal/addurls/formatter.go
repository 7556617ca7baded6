package addurls

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

// formatter fills templates from rows. Beyond Python's format strings it knows
// columns by number and the conversion !l, lower case.
type formatter struct {
	headers []string
	missing string // in place of empty values, if not ""
}

// Marks before a name: neither can be in a column that a template names.
const (
	lowerMark  = "\x01"
	numberMark = "\x02"
)

// compiled makes the pattern when it is first used, so that other commands do
// not pay for it.
func compiled(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// field is the beginning of a replacement field, or an escaped brace.
var field = compiled(`\{\{|\{([^{}!:\[\].]*)(!l)?`)

var number = compiled(`^[0-9]+$`)

// names are the placeholders of a template.
func names(template string) (list []string) {
	for _, m := range field().FindAllStringSubmatch(template, -1) {
		if m[0] != "{{" && m[1] != "" {
			list = append(list, m[1])
		}
	}
	return list
}

// marked hides from Python's rules what they do not know.
func marked(template string) string {
	return field().ReplaceAllStringFunc(template, func(f string) string {
		if f == "{{" {
			return f
		}
		m := field().FindStringSubmatch(f)
		mark := ""
		if m[2] != "" {
			mark = lowerMark
		}
		if number().MatchString(m[1]) {
			mark += numberMark
		}
		return "{" + mark + m[1]
	})
}

// format fills a template; what names the use in errors.
func (f *formatter) format(template, what string, row map[string]any) (string, error) {
	text, err := pyfmt.Format(marked(template), func(name string) (any, error) {
		name, lower := strings.CutPrefix(name, lowerMark)
		v, err := f.value(name, what, row)
		if err != nil || !lower {
			return v, err
		}
		return strings.ToLower(pyfmt.Str(v)), nil
	})
	var unknown *pyfmt.KeyError
	if errors.As(err, &unknown) {
		return "", f.unknown(unknown.Name, what, row)
	}
	return text, err
}

// absentError is a placeholder without a value in a row.
type absentError struct{ text string }

func (e *absentError) Error() string { return e.text }

func (f *formatter) value(name, what string, row map[string]any) (any, error) {
	if digits, ok := strings.CutPrefix(name, numberMark); ok {
		n, err := strconv.Atoi(digits)
		if err != nil || n >= len(f.headers) {
			return nil, &absentError{fmt.Sprintf("Out-of-bounds or unsupported index %s in %s", digits, what)}
		}
		name = f.headers[n]
	}
	v, ok := row[name]
	if !ok {
		return nil, pyfmt.ErrUnknown
	}
	if v == "" && f.missing != "" {
		return f.missing, nil
	}
	return v, nil
}

func (f *formatter) unknown(name, what string, row map[string]any) error {
	name = strings.TrimPrefix(strings.TrimPrefix(name, lowerMark), numberMark)
	if isSpecial(name) {
		plain := map[string]any{}
		for k, v := range row {
			if !isSpecial(k) {
				plain[k] = v
			}
		}
		return &absentError{fmt.Sprintf("Special key '%s' could not be constructed for row: %s", name, pyfmt.Repr(plain))}
	}
	return &absentError{fmt.Sprintf("Unknown placeholder '%s' in %s: ", name, what)}
}
