package annexlog

import (
	"bytes"
	"slices"
	"testing"
)

func TestMetaDataVector(t *testing.T) {
	m := ParseMetaData([]byte("1s a +1 b +!eCB5\n2s a -1 +2\n"))
	f := m.Fields()
	if len(f) != 2 || f[0].Name != "a" || !slices.Equal(f[0].Values, []string{"2"}) || !slices.Equal(m.Values("B"), []string{"x y"}) {
		t.Fatal(f)
	}
	for got, want := range map[Clock]string{
		f[0].LastChanged: "1970-01-01@00-00-02", f[1].LastChanged: "1970-01-01@00-00-01", m.LastChanged(): "1970-01-01@00-00-02",
	} {
		if got.LastChangedText() != want {
			t.Errorf("%s, want %s", got.LastChangedText(), want)
		}
	}
}

// TestMetaDataHistory replays changes that git-annex was given, and the logs that
// it wrote.
func TestMetaDataHistory(t *testing.T) {
	m := ParseMetaData([]byte("1s a +1 b +!eCB5\n2s a -1 +2\n"))
	for _, step := range []struct {
		at      string
		changes func() []MetaChange
		want    string
	}{
		{"2", func() []MetaChange { return []MetaChange{m.Replace("c", "1")} },
			"1s a +1 b +!eCB5\n2s a -1 +2\n3s c +1\n"},
		{"1", func() []MetaChange { return []MetaChange{m.Replace("c", "2")} },
			"1s b +!eCB5\n2s a -1 +2\n4s c -1 +2\n"},
		{"1", func() []MetaChange {
			return []MetaChange{m.Replace("c", "!x y"), m.Replace("Z", "ä"), m.Replace("A", "3"), m.Replace("e", "")}
		}, "1s b +!eCB5\n2s a -1 +2\n4s c -1 +2\n5s A -2 +3 c +!IXggeQ== -2 e + Z +ä\n"},
		{"9", func() []MetaChange { return []MetaChange{m.Replace("c", "!x y")} },
			"1s b +!eCB5\n2s a -1 +2\n4s c -1 +2\n5s A -2 +3 c +!IXggeQ== -2 e + Z +ä\n9s c +!IXggeQ==\n"},
		{"10", func() []MetaChange {
			return []MetaChange{m.Replace("c"), {Field: "a", Set: []string{"+5", "-7"}}}
		}, "1s b +!eCB5\n2s a -1\n4s c -1\n5s A -2 +3 c -2 e + Z +ä\n10s a ++5 +-7 c -!IXggeQ==\n"},
		{"12", func() []MetaChange {
			return []MetaChange{m.Replace("b", "1"), m.Replace("c", "1"), m.Replace("z", "1"), m.Replace("a", "1")}
		}, "5s A -2 c -2 e +\n10s c -!IXggeQ==\n12s a -+5 --7 +1 -3 b +1 -!eCB5 c +1 z +1 -ä\n"},
	} {
		out, err := m.Set(clock(t, step.at), step.changes()...)
		if string(out) != step.want || err != nil {
			t.Fatalf("%v\n%s\nwant\n%s", err, out, step.want)
		}
		m = ParseMetaData(out)
	}
}

// TestMetaDataOddities has what git-annex made of the same file.
func TestMetaDataOddities(t *testing.T) {
	in := "1s a +1  +2 b\n2s +x a +3\n3s a\n4s a + b +!!!!bad c +!eCB5==\n5s :bad +1\n6s  a +9\n7 Foo_bar.x-y +1 -2\n" +
		"8s foo_BAR.x-y +9 tag +-x lastchanged +y ü +1 1 +1 _x +1 d-lastchanged +u\n9s n +a=b ++ +- --\n9s\n10s k +!\n11s k2 +!YQ== -!YQ== \n"
	want := "1s  +2 a +1\n2s a +3\n4s a +\n5s :bad +1\n6s a +9\n7s Foo_bar.x-y +1 -2\n" +
		"8s 1 +1 _x +1 d-lastchanged +u foo_BAR.x-y +9 lastchanged +y tag +-x ü +1\n9s n ++ -- +a=b\n10s k +\n11s k2 -a\n12s q +1\n"
	out, err := ParseMetaData([]byte(in)).Set(clock(t, "12"), MetaChange{Field: "q", Set: []string{"1"}})
	if string(out) != want || err != nil {
		t.Errorf("%v\n%s\nwant\n%s", err, out, want)
	}
	if got := ParseMetaData(out).Values("foo_bar.X-Y"); !slices.Equal(got, []string{"1", "9"}) {
		t.Error(got)
	}
}

func TestMetaDataNames(t *testing.T) {
	for name, ok := range map[string]bool{"tag": true, "1x": true, "ü": true, "a_b-c.d": true, "": false, "_a": false, "a b": false, "a:b": false, "-a": false} {
		if got := CheckMetaField(name) == nil; got != ok {
			t.Errorf("%q: %v", name, got)
		}
	}
	for _, name := range []string{"", "+a", "-a", "a b", "a\n"} {
		if _, err := (MetaData{}).Set(clock(t, "1"), MetaChange{Field: name, Set: []string{"x"}}); err == nil {
			t.Errorf("%q passes", name)
		}
	}
	if out, err := (MetaData{}).Set(clock(t, "1")); len(out) > 0 || err != nil {
		t.Errorf("%q %v", out, err)
	}
}

func FuzzMetaData(f *testing.F) {
	f.Add([]byte("1s a +1 b +!eCB5\n2s a -1 +2\n"), "A", "x y")
	f.Add([]byte("8s foo_BAR.x-y +9 tag +-x ü +1 1 +1\n9s n ++ +- --\n"), "n", "!")
	f.Fuzz(func(t *testing.T, data []byte, field, value string) {
		m := ParseMetaData(data)
		out, err := m.Set(Clock{known: true}, m.Replace(field, value))
		if err != nil {
			return
		}
		after := ParseMetaData(out)
		if got := after.Values(field); !slices.Equal(got, []string{value}) {
			t.Fatalf("%q: set %q to %q, got %q: %q", data, field, value, got, out)
		}
		if len(m.Fields())+1 < len(after.Fields()) || len(m.Fields()) > len(after.Fields()) {
			t.Fatalf("%q: fields %v became %v", data, m.Fields(), after.Fields())
		}
		same, err := after.Set(Clock{known: true})
		if err != nil || !bytes.Equal(same, out) {
			t.Fatalf("%q: not stable: %q", out, same)
		}
	})
}
