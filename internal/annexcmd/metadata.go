package annexcmd

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexkey"
	"github.com/stemma-data/stemma/internal/annexlog"
)

// MetaEdit is one change of metadata, made from what it was before all edits.
// Of several that concern the same value the last one counts.
type MetaEdit struct {
	Field  string // "": all of them
	change func(m annexlog.MetaData) []annexlog.MetaChange
}

// SetMeta leaves the field with these values.
func SetMeta(field string, values ...string) MetaEdit {
	return MetaEdit{field, func(m annexlog.MetaData) []annexlog.MetaChange {
		return []annexlog.MetaChange{m.Replace(field, values...)}
	}}
}

// AddMeta adds a value.
func AddMeta(field, value string) MetaEdit {
	return MetaEdit{field, func(annexlog.MetaData) []annexlog.MetaChange {
		return []annexlog.MetaChange{{Field: field, Set: []string{value}}}
	}}
}

// RemoveMeta removes a value.
func RemoveMeta(field, value string) MetaEdit {
	return MetaEdit{field, func(annexlog.MetaData) []annexlog.MetaChange {
		return []annexlog.MetaChange{{Field: field, Unset: []string{value}}}
	}}
}

// InitMeta adds a value to a field that has none.
func InitMeta(field, value string) MetaEdit {
	return MetaEdit{field, func(m annexlog.MetaData) []annexlog.MetaChange {
		if len(m.Values(field)) > 0 {
			return nil
		}
		return []annexlog.MetaChange{{Field: field, Set: []string{value}}}
	}}
}

// ClearMeta removes all values of all fields.
func ClearMeta() MetaEdit {
	return MetaEdit{"", func(m annexlog.MetaData) []annexlog.MetaChange {
		var changes []annexlog.MetaChange
		for _, f := range m.Fields() {
			changes = append(changes, m.Replace(f.Name))
		}
		return changes
	}}
}

// Metadata applies the edits to a key's metadata and tells the fields.
func (s *Session) Metadata(ctx context.Context, f File, edits []MetaEdit) (Outcome, error) {
	if err := s.editMetadata(ctx, f.Key, edits); err != nil {
		return Outcome{}, err
	}
	fields, err := s.metaFields(ctx, f.Key)
	if err != nil {
		return Outcome{}, err
	}
	names := make([]string, 0, len(fields))
	for n := range fields {
		names = append(names, n)
	}
	sort.Strings(names)
	var text strings.Builder
	object := map[string]any{}
	for _, n := range names {
		for _, v := range fields[n] {
			fmt.Fprintf(&text, "%s=%s\n", n, v)
		}
		object[n] = anyList(fields[n])
	}
	o := f.Item("metadata").ok()
	o.Notes = []Note{long(text.String())}
	return o.With("fields", object), nil
}

func (s *Session) editMetadata(ctx context.Context, k annexkey.Key, edits []MetaEdit) error {
	if len(edits) == 0 {
		return nil
	}
	for _, e := range edits {
		if err := annexlog.CheckMetaField(e.Field); e.Field != "" && err != nil {
			return err
		}
	}
	now := s.clock()
	return s.Change(ctx, annex.LogEdit{Path: annexlog.KeyPath(k, annexlog.MetaDataSuffix), Change: func(old []byte) []byte {
		m := annexlog.ParseMetaData(old)
		var changes []annexlog.MetaChange
		for _, e := range edits {
			changes = append(changes, e.change(m)...)
		}
		out, err := m.Set(now, changes...)
		if err != nil {
			return old
		}
		return out
	}})
}

// metaFields are the values with the synthetic fields of their last changes.
func (s *Session) metaFields(ctx context.Context, k annexkey.Key) (map[string][]string, error) {
	data, err := s.Log(ctx, annexlog.KeyPath(k, annexlog.MetaDataSuffix))
	if err != nil {
		return nil, err
	}
	m := annexlog.ParseMetaData(data)
	fields := map[string][]string{}
	for _, f := range m.Fields() {
		fields[f.Name] = f.Values
		fields[f.Name+"-lastchanged"] = []string{f.LastChanged.LastChangedText()}
	}
	if at := m.LastChanged(); !at.IsZero() { // also if all values are gone
		fields["lastchanged"] = []string{at.LastChangedText()}
	}
	return fields, nil
}

// MetaValues are the values of one field of a key.
func (s *Session) MetaValues(ctx context.Context, k annexkey.Key, field string) ([]string, error) {
	fields, err := s.metaFields(ctx, k)
	return fields[strings.ToLower(field)], err
}
