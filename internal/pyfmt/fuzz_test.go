package pyfmt

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func FuzzFormat(f *testing.F) {
	for _, s := range []string{"{name}", "{inputs[0]!r:>{w}}", "{{}}", "{", "}", "{a[b}", "{name:99999999999}", "{!r}", "\xff{name:\xff>9}"} {
		f.Add(s)
	}
	values := Values(map[string]any{"name": "jo\xff", "inputs": []string{"a", "b"}, "w": 7, "f": 1.5})
	f.Fuzz(func(t *testing.T, tmpl string) {
		if out, err := Format(tmpl, values); err == nil && len(out) > len(tmpl)*maxWidth*utf8.UTFMax {
			t.Error("output out of bounds")
		}
	})
}

func FuzzPercent(f *testing.F) {
	f.Add("%s %d", "x", 3)
	f.Add("%-5.2s|%+09.3f", "x", 3)
	f.Add("%999999999d %(a)s", "x", 3)
	f.Fuzz(func(t *testing.T, format, s string, n int) {
		_, _ = Percent(format, s, n)
	})
}

// FuzzParseJSON checks that what was read once prints the same for ever.
func FuzzParseJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.50, -0e3, NaN]}`, `"\ud83d\ude00\udcff\ud800\u00e9"`, "\"\xff\"", `[[[[[[]]]]]]`, `{"a":1,"a":2}`, "01", `"\u12"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseJSON(text, 5)
		if err != nil {
			var je *JSONError
			if !errors.As(err, &je) || je.Offset < 0 || je.Offset > len(text) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		for _, printed := range []string{JSON(v), JSONCompact(v), JSONIndent(v, 2, false)} {
			again, err := ParseJSON(printed, 5)
			if err != nil {
				t.Fatalf("%q: %v", printed, err)
			}
			if JSONCompact(again) != JSONCompact(v) {
				t.Fatalf("%q became %q", JSONCompact(v), JSONCompact(again))
			}
		}
	})
}

func TestParseJSON(t *testing.T) {
	bad := []string{"", " ", "{", "[1,]", `{"a"}`, `{"a":1,}`, "01", "1.", "-", "+1", "'a'", "nul", "\"a\nb\"", `"\x"`, `"\u00g0"`,
		`"abc`, `[[[[[[1]]]]]]`, "1 2", "\ufeff1", `{1:2}`, `"\`, `"\u+123"`}
	for _, s := range bad {
		if v, err := ParseJSON(s, 5); err == nil {
			t.Errorf("%q was read as %v", s, v)
		}
	}
	good := map[string]string{
		" [ 1 , 2.50 ,\t-0 ] ": "[1,2.50,-0]", `{"b":1,"a":2,"b":3}`: `{"a":2,"b":3}`, "[[[[[]]]]]": "[[[[[]]]]]",
		`"\ud83d\ude00"`: `"😀"`, `"\udcff"`: "\"\xff\"", `"\ud800x"`: "\"\xed\xa0\x80x\"", `"\ud83d\u0041"`: "\"\xed\xa0\xbdA\"", `"\/\b"`: `"/\b"`,
	}
	for in, want := range good {
		v, err := ParseJSON(in, 5)
		if got := JSONCompact(v); err != nil || got != want {
			t.Errorf("%q = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestCompareIsByCodePoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		if Compare(a, b) != strings.Compare(a, b) { // the two agree for valid UTF-8
			t.Fatalf("Compare(%q, %q) = %d", a, b, Compare(a, b))
		}
		if Len(a) != utf8.RuneCountInString(a) || string(Runes(a)) != a {
			t.Fatalf("%q: Len or Runes is wrong", a)
		}
	})
	if Compare("\xff", "\uffff") >= 0 || Compare("\xff", "\ue000") >= 0 || Compare("\xff", "퟿") <= 0 {
		t.Error("raw bytes sort as U+DC80 to U+DCFF")
	}
	if head, more := Cut("aü\xffb", 3); head != "aü\xff" || !more {
		t.Errorf("Cut = %q, %v", head, more)
	}
}

// sequence formats as DataLad's {inputs} does.
type sequence []string

func (s sequence) FormatField(spec string) (string, error) {
	parts := make([]string, len(s))
	for i, item := range s {
		var err error
		if parts[i], err = FormatValue(item, spec); err != nil {
			return "", err
		}
	}
	return strings.Join(parts, " "), nil
}

func TestValuesThatFormatThemselves(t *testing.T) {
	values := Values(map[string]any{"in": sequence{"a", "b c"}})
	for tmpl, want := range map[string]string{
		"{in}": "a b c", "{in:>3}": "  a b c", "{in[1]}": "b c", "{in!r}": "['a', 'b c']", "{in[1]!r:>7}": "  'b c'", "{in:.1}": "a b",
	} {
		if got, err := Format(tmpl, values); err != nil || got != want {
			t.Errorf("%s = %q, %v; want %q", tmpl, got, err, want)
		}
	}
}

func TestLookupErrors(t *testing.T) {
	boom := errors.New("boom")
	_, err := Format("{x}", func(string) (any, error) { return nil, boom })
	if err != boom {
		t.Errorf("error = %v", err)
	}
	var key *KeyError
	if _, err = Format("{x}", Values(nil)); !errors.As(err, &key) || key.Name != "x" {
		t.Errorf("error = %v", err)
	}
	if _, err = Format("{x:9999999}", Values(map[string]any{"x": "a"})); err == nil {
		t.Error("a width of ten million was accepted")
	}
}

func TestFormatAtTellsOffsets(t *testing.T) {
	var at []int
	out, err := FormatAt("{{{a}é{b:>{a}}}}", func(name string, pos int) (any, error) {
		at = append(at, pos)
		return 3, nil
	})
	if err != nil || out != "{3é  3}" || len(at) != 3 || at[0] != 2 || at[1] != 7 || at[2] != 7 {
		t.Errorf("%q, %v, offsets %v", out, err, at)
	}
}
