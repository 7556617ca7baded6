package render

import (
	"maps"
	"strings"

	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
)

// Map returns the record as the object that JSON shows: the fields by their
// DataLad names, empty ones of the fixed four left out.
func Map(rec result.Record) map[string]any {
	m := make(map[string]any, len(rec.Fields)+4)
	maps.Copy(m, rec.Fields)
	for key, value := range map[string]string{
		"action": rec.Action, "status": string(rec.Status), "path": rec.Path, "type": rec.Type,
	} {
		if value != "" {
			m[key] = value
		}
	}
	return m
}

// json prints the record on one line, or indented.
func (r *Renderer) json(rec result.Record, indent int) error {
	if indent > 0 {
		return r.println(pyfmt.JSONIndent(Map(rec), indent, true))
	}
	return r.println(pyfmt.JSON(Map(rec)))
}

// template prints the record through the user's template.
func (r *Renderer) template(tmpl string, rec result.Record) error {
	text, err := pyfmt.Format(tmpl, lookup(Map(rec)))
	if err != nil {
		return err
	}
	return r.println(text)
}

// lookup finds fields for a template; what is missing reads N/A.
func lookup(m map[string]any) pyfmt.Lookup {
	return func(name string) (any, error) {
		v, ok := m[name]
		if !ok {
			return missing, nil
		}
		return lenient(v), nil
	}
}

// absent is the value of a field that the record does not have.
type absent string

const missing absent = "N/A"

// Index makes every part of a missing value a missing value.
func (a absent) Index(string) (any, error) { return a, nil }

// FormatField formats the text of a missing value.
func (a absent) FormatField(spec string) (string, error) {
	return pyfmt.FormatValue(string(a), spec)
}

// object is a nested object in a template: its missing keys read N/A, and a
// colon in a key, which would begin a format specification, is written as #.
type object map[string]any

// Index returns the value of key.
func (o object) Index(key string) (any, error) {
	if v, ok := o[key]; ok {
		return lenient(v), nil
	}
	for k, v := range o {
		if strings.ReplaceAll(k, ":", "#") == key {
			return lenient(v), nil
		}
	}
	return missing, nil
}

func lenient(v any) any {
	switch v := v.(type) {
	case map[string]any:
		return object(v)
	case pyfmt.Object:
		o := make(object, len(v))
		for _, m := range v {
			o[m.Key] = m.Value
		}
		return o
	}
	return v
}

// formatTuple applies a late-formatted message. Arguments that do not fit the
// format are appended, so that nothing is lost.
func formatTuple(m result.Tuple) string {
	if len(m) == 0 {
		return ""
	}
	format := pyfmt.Str(m[0])
	text, err := pyfmt.Percent(format, m[1:]...)
	if err != nil {
		return format + " " + pyfmt.Repr([]any(m[1:]))
	}
	return text
}

func pyString(v any) string { return pyfmt.Str(v) }
