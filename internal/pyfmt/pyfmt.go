// Package pyfmt writes and reads text exactly as Python does: json.dumps,
// repr, str.format, %-formatting and shlex.quote. DataLad's records, commit
// messages, results and command lines are made of such text, and scripts
// compare it byte for byte.
//
// Strings are byte strings. Bytes that are not valid UTF-8 are treated as
// Python's surrogateescape does: one code point U+DC80 to U+DCFF each, printed
// as the raw byte, or as \udcXX where the output is ASCII.
//
// The package knows nothing of records, datasets or files.
package pyfmt

import (
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"unicode/utf8"
)

// Tuple is a list that Repr prints as a Python tuple. JSON knows no
// difference between the two.
type Tuple []any

// Member is one key and value of an Object.
type Member struct {
	Key   string
	Value any
}

// Object is a JSON object (a Python dict) that keeps its order; the keys of
// maps are printed sorted by code point.
type Object []Member

// plain maps v to the closed set of types that the printers handle: nil, bool,
// int64, float64, json.Number, string, []any, Tuple, Object. Only the outermost
// container is converted. Unknown types become their text.
func plain(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, json.Number, string, []any, Tuple, Object:
		return v
	case int:
		return int64(v)
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return list
	case map[string]any:
		obj := make(Object, 0, len(v))
		for k, val := range v {
			obj = append(obj, Member{k, val})
		}
		return obj.sorted()
	}
	return reflected(reflect.ValueOf(v))
}

// reflected is plain for types that it does not name.
func reflected(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map:
		if v.IsNil() && v.Kind() != reflect.Map {
			return nil
		}
	}
	if text, ok := asText(v.Interface()); ok {
		return text
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem().Interface())
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return json.Number(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		return v.Float()
	case reflect.String:
		return v.String()
	case reflect.Slice, reflect.Array:
		return reflectedList(v)
	case reflect.Map:
		return reflectedMap(v)
	}
	return fmt.Sprint(v.Interface())
}

func asText(v any) (string, bool) {
	switch v := v.(type) {
	case error:
		return v.Error(), true
	case fmt.Stringer:
		return v.String(), true
	}
	return "", false
}

func reflectedList(v reflect.Value) any {
	if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
		return string(v.Bytes())
	}
	list := make([]any, v.Len())
	for i := range list {
		list[i] = v.Index(i).Interface()
	}
	return list
}

func reflectedMap(v reflect.Value) any {
	obj := make(Object, 0, v.Len())
	for _, k := range v.MapKeys() {
		obj = append(obj, Member{Str(k.Interface()), v.MapIndex(k).Interface()})
	}
	return obj.sorted()
}

func (o Object) sorted() Object {
	sort.Slice(o, func(i, j int) bool { return Compare(o[i].Key, o[j].Key) < 0 })
	return o
}

// decode returns the first code point of s, which is not empty, and its length
// in bytes. A byte that is no part of valid UTF-8 yields U+DC00 plus the byte.
func decode(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return 0xDC00 + rune(s[0]), 1
	}
	return r, n
}

// Compare orders strings as Python does, by code point: -1, 0 or 1.
func Compare(a, b string) int {
	for a != "" && b != "" {
		ra, na := decode(a)
		rb, nb := decode(b)
		if ra != rb {
			return cmpRune(ra, rb)
		}
		a, b = a[na:], b[nb:]
	}
	return cmpRune(rune(min(len(a), 1)), rune(min(len(b), 1)))
}

func cmpRune(a, b rune) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Runes returns the code points of s.
func Runes(s string) []rune {
	out := make([]rune, 0, len(s))
	for s != "" {
		r, n := decode(s)
		out = append(out, r)
		s = s[n:]
	}
	return out
}

// Cut returns the first n code points of s, and whether s has more.
func Cut(s string, n int) (head string, more bool) {
	for i := 0; i < len(s); n-- {
		if n <= 0 {
			return s[:i], true
		}
		_, size := decode(s[i:])
		i += size
	}
	return s, false
}

// Len returns len(s) in Python, the number of code points.
func Len(s string) int {
	n := 0
	for s != "" {
		_, size := decode(s)
		s = s[size:]
		n++
	}
	return n
}
