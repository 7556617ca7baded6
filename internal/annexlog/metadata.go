package annexlog

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// MetaData is the log of a key's metadata (".log.met", ".log.rmet"), lines
// "TIME FIELD +VALUE -VALUE… FIELD …". Each line changes what older ones left. It is
// immutable; the zero value is the empty log.
type MetaData struct {
	changes []metaChange // oldest first
}

// MetaField is a field and its current values. Names are compared without regard
// to case.
type MetaField struct {
	Name        string
	Values      []string // sorted, never empty
	LastChanged Clock
}

// MetaChange sets and unsets values of one field.
type MetaChange struct {
	Field      string
	Set, Unset []string
}

// ParseMetaData reads a metadata log. It never fails.
func ParseMetaData(data []byte) MetaData {
	var m MetaData
	for line := range lines(string(data)) {
		if c, rest, ok := cutClock(line); ok {
			m.changes = append(m.changes, metaChange{c, parseMetaLine(rest)})
		}
	}
	slices.SortStableFunc(m.changes, compareMetaChanges)
	return m
}

// Fields returns the fields that have values, sorted by name.
func (m MetaData) Fields() []MetaField {
	var all []metaField
	changed := make(map[string]Clock)
	for _, c := range m.changes {
		all = append(all, c.fields...)
		for _, f := range c.fields {
			changed[f.folded()] = c.clock
		}
	}
	var out []MetaField
	for _, f := range mergeMetaFields(all) {
		if values := f.current(); len(values) > 0 {
			out = append(out, MetaField{f.name, values, changed[f.folded()]})
		}
	}
	return out
}

// Values returns the current values of the field, sorted.
func (m MetaData) Values(field string) []string {
	for _, f := range m.Fields() {
		if foldField(f.Name) == foldField(field) {
			return f.Values
		}
	}
	return nil
}

// LastChanged returns the time of the newest change; the zero Clock for an empty log.
func (m MetaData) LastChanged() Clock {
	if len(m.changes) == 0 {
		return Clock{}
	}
	return m.changes[len(m.changes)-1].clock
}

// Replace returns the change that leaves the field with exactly the values.
func (m MetaData) Replace(field string, values ...string) MetaChange {
	c := MetaChange{Field: field, Set: values}
	for _, v := range m.Values(field) {
		if !slices.Contains(values, v) {
			c.Unset = append(c.Unset, v)
		}
	}
	return c
}

// Set returns the log after the changes were recorded on one line, at the candidate
// time or later than all other lines (see Clock.After). Lines that no longer matter
// are dropped. Without any change the log is only brought into canonical form.
func (m MetaData) Set(candidate Clock, changes ...MetaChange) ([]byte, error) {
	fields, err := metaFieldsOf(changes)
	if err != nil {
		return nil, err
	}
	if len(fields) > 0 {
		at := candidate.After(m.LastChanged())
		m.changes = append(slices.Clone(m.changes), metaChange{at, fields})
	}
	return m.simplified().bytes(), nil
}

func metaFieldsOf(changes []MetaChange) (metaFields, error) {
	var list []metaField
	for _, c := range changes {
		if err := checkField(c.Field); err != nil || strings.ContainsRune("+-", rune(c.Field[0])) {
			return nil, fmt.Errorf("metadata field %.100q: %w", c.Field, ErrBadValue)
		}
		for _, v := range c.Unset {
			list = append(list, metaField{c.Field, []metaValue{{v, false}}})
		}
		for _, v := range c.Set {
			list = append(list, metaField{c.Field, []metaValue{{v, true}}})
		}
	}
	return mergeMetaFields(list), nil
}

// simplified drops the values that newer lines override. Each remaining one keeps
// the time of its line, so that a line merged in later still finds its place.
// Where this would save no line the log stays as it is.
func (m MetaData) simplified() MetaData {
	var kept []metaChange // newest first
	newer := make(metaSeen)
	for _, c := range slices.Backward(m.changes) {
		unique := newer.unseen(c.fields)
		if len(unique) > 0 {
			kept = append(kept, metaChange{c.clock, unique})
			newer.add(unique)
		}
	}
	if len(kept) == len(m.changes) {
		return m
	}
	slices.SortFunc(kept, compareMetaChanges) // with fewer values the order may differ
	return MetaData{kept}
}

func (m MetaData) bytes() []byte {
	var b []byte
	for _, c := range m.changes {
		b = append(b, c.clock.String()...)
		for _, f := range c.fields {
			b = append(b, ' ')
			b = append(b, f.name...)
			for _, v := range f.values {
				b = append(b, ' ')
				b = append(b, v.encode()...)
			}
		}
		b = append(b, '\n')
	}
	return b
}

// LastChangedText returns c as git-annex shows it in "lastchanged" fields, which
// are never stored: YYYY-MM-DD@HH-MM-SS in UTC.
func (c Clock) LastChangedText() string { return c.Time().Format("2006-01-02@15-04-05") }

// CheckMetaField returns an error when a user may not name a field so: it begins
// with a letter or digit and goes on with these or "_", "-", ".".
func CheckMetaField(name string) error {
	for i, c := range name {
		if !unicode.IsLetter(c) && !unicode.IsNumber(c) && (i == 0 || !strings.ContainsRune("_-.", c)) {
			return fmt.Errorf("metadata field %.100q: %w: illegal character", name, ErrBadValue)
		}
	}
	if name == "" {
		return fmt.Errorf("metadata field: %w: empty name", ErrBadValue)
	}
	return nil
}

// encode writes a value with its sign.
func (v metaValue) encode() string {
	sign := "-"
	if v.set {
		sign = "+"
	}
	if strings.ContainsAny(v.text, " \r\n") || strings.HasPrefix(v.text, "!") {
		return sign + "!" + base64.StdEncoding.EncodeToString([]byte(v.text))
	}
	return sign + v.text
}

func decodeMetaValue(word string) (metaValue, bool) {
	if word == "" || word[0] != '+' && word[0] != '-' {
		return metaValue{}, false
	}
	v := metaValue{word[1:], word[0] == '+'}
	if coded, ok := strings.CutPrefix(v.text, "!"); ok {
		text, err := base64.StdEncoding.DecodeString(coded)
		v.text = string(text)
		return v, err == nil
	}
	return v, true
}

// parseMetaLine takes the first word, and every other that is no value, as a field.
func parseMetaLine(line string) metaFields {
	words := strings.Split(line, " ")
	field := words[0]
	var list []metaField
	for _, w := range words[1:] {
		if v, ok := decodeMetaValue(w); ok {
			list = append(list, metaField{field, []metaValue{v}})
		} else {
			field = w
		}
	}
	return mergeMetaFields(list)
}
