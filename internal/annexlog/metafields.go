package annexlog

import (
	"cmp"
	"slices"
	"strings"
)

// metaChange is one line of a metadata log.
type metaChange struct {
	clock  Clock
	fields metaFields
}

// metaFields is sorted by folded name; the slices are never changed in place.
type metaFields []metaField

type metaField struct {
	name   string
	values []metaValue // sorted, one for each text
}

// metaValue is identified by its text; set or unset is its state.
type metaValue struct {
	text string
	set  bool
}

func foldField(name string) string { return strings.ToLower(name) }

func (f metaField) folded() string { return foldField(f.name) }

// current returns the values that are set.
func (f metaField) current() []string {
	var out []string
	for _, v := range f.values {
		if v.set {
			out = append(out, v.text)
		}
	}
	return out
}

func compareMetaValues(a, b metaValue) int { return strings.Compare(a.text, b.text) }

func compareMetaFields(a, b metaField) int { return strings.Compare(a.folded(), b.folded()) }

// compareMetaChanges orders lines of the same time as git-annex does, by content
// but without regard to set and unset.
func compareMetaChanges(a, b metaChange) int {
	return cmp.Or(
		a.clock.Compare(b.clock),
		slices.CompareFunc(a.fields, b.fields, func(x, y metaField) int {
			return cmp.Or(compareMetaFields(x, y), slices.CompareFunc(x.values, y.values, compareMetaValues))
		}),
	)
}

// mergeMetaFields brings a list of fields into order, later ones over earlier ones:
// of one value the last state counts, of one field the last spelling.
func mergeMetaFields(list []metaField) metaFields {
	latestFirst := slices.Clone(list)
	slices.Reverse(latestFirst)
	slices.SortStableFunc(latestFirst, compareMetaFields)
	var out metaFields
	for i := 0; i < len(latestFirst); {
		f := latestFirst[i]
		var values []metaValue
		for ; i < len(latestFirst) && compareMetaFields(latestFirst[i], f) == 0; i++ {
			values = append(values, latestFirst[i].values...)
		}
		slices.SortStableFunc(values, compareMetaValues)
		f.values = slices.CompactFunc(values, func(a, b metaValue) bool { return a.text == b.text })
		out = append(out, f)
	}
	return out
}

// metaSeen is a set of values by folded field and text.
type metaSeen map[[2]string]bool

// unseen returns the values that are not in the set.
func (s metaSeen) unseen(fs metaFields) metaFields {
	var out metaFields
	for _, f := range fs {
		field := f.folded()
		f.values = slices.DeleteFunc(slices.Clone(f.values), func(v metaValue) bool {
			return s[[2]string{field, v.text}]
		})
		if len(f.values) > 0 {
			out = append(out, f)
		}
	}
	return out
}

func (s metaSeen) add(fs metaFields) {
	for _, f := range fs {
		for _, v := range f.values {
			s[[2]string{f.folded(), v.text}] = true
		}
	}
}
