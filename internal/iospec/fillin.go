package iospec

import (
	"strings"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

// FillIn replaces the placeholders of a template that values names, and leaves
// all else as it is, so that the result is a template for ExpandCommand or
// ExpandSpecs: braces in values are doubled. With shell, the template is a
// command, in which each value is quoted as ExpandCommand quotes a path. A
// format specification applies before quoting. Errors are *PlaceholderError.
func FillIn(tmpl string, values map[string]string, shell bool) (string, error) {
	if !strings.Contains(tmpl, "{") {
		return tmpl, nil
	}
	var quoted []place
	subject := subjectSpec
	if shell {
		quoted, subject = places(tmpl), subjectCommand
	}
	var out strings.Builder
	for i := 0; i < len(tmpl); {
		if tmpl[i] != '{' {
			out.WriteByte(tmpl[i])
			i++
			continue
		}
		end := fieldEnd(tmpl, i)
		text := tmpl[i:end]
		if _, ok := values[fieldName(text)]; !ok {
			out.WriteString(text)
			i = end
			continue
		}
		v, err := pyfmt.Format(text, fieldLookup(values))
		if err != nil {
			return "", failed(subject, err)
		}
		if shell {
			v = quoting(quoted, i)(v)
		}
		out.WriteString(doubleBraces.Replace(v))
		i = end
	}
	return out.String(), nil
}

var doubleBraces = strings.NewReplacer("{", "{{", "}", "}}")

func fieldLookup(values map[string]string) pyfmt.Lookup {
	return func(name string) (any, error) {
		if v, ok := values[name]; ok {
			return v, nil
		}
		return nil, pyfmt.ErrUnknown
	}
}

// fieldEnd returns where the field that opens at i ends; a doubled brace, and a
// brace that is never closed, end behind themselves.
func fieldEnd(tmpl string, i int) int {
	if strings.HasPrefix(tmpl[i+1:], "{") {
		return i + 2
	}
	open := 0
	for j := i; j < len(tmpl); j++ {
		switch tmpl[j] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return j + 1
			}
		}
	}
	return i + 1
}

// fieldName returns the first name of a field.
func fieldName(field string) string {
	name := strings.Trim(field, "{}")
	if i := strings.IndexAny(name, "[.!:"); i >= 0 {
		name = name[:i]
	}
	return name
}
