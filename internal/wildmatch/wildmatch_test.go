package wildmatch

import (
	"strings"
	"testing"
	"time"
)

func TestMatch(t *testing.T) {
	const none = Flags(0)
	for _, c := range []struct {
		pattern, name string
		flags         Flags
		want          bool
	}{
		{"", "", none, true},
		{"", "a", none, false},
		{"foo", "foo", none, true},
		{"foo", "bar", none, false},
		{"???", "foo", none, true},
		{"??", "foo", none, false},
		{"*", "", none, true},
		{"*ob*a*r*", "foobar", none, true},
		{"*ab", "aaaaaaabababab", none, true},
		{"foo\\*", "foo*", none, true},
		{"foo\\*bar", "foobar", none, false},
		{"f\\\\oo", "f\\oo", none, true},
		{"a\\", "a\\", none, false},
		{"*[al]?", "ball", none, true},
		{"t[a-g]n", "ten", none, true},
		{"t[!a-g]n", "ten", none, false},
		{"t[^a-g]n", "ton", none, true},
		{"a[]]b", "a]b", none, true},
		{"a[]-]b", "a-b", none, true},
		{"a[]a-]b", "aab", none, true},
		{"]", "]", none, true},
		{"[\\]]", "]", none, true},
		{"[a", "a", none, false},
		{"[!]a-]", "b", none, true},
		{"[[:alpha:]][[:digit:]][[:upper:]]", "a1B", none, true},
		{"[[:digit:][:upper:][:space:]]", " ", none, true},
		{"[[:xdigit:]]", "g", none, false},
		{"[[:nosuch:]]", "a", none, false},
		{"[[:a]", "[", none, true},
		{"[a-c]b*", "bb/c", none, true},
		{"foo*bar", "foo/baz/bar", PathName, false},
		{"foo**bar", "foo/baz/bar", PathName, false},
		{"foo/**/bar", "foo/bar", PathName, true},
		{"foo/**/bar", "foo/a/b/bar", PathName, true},
		{"foo/**/**/bar", "foo/b/a/z/bar", PathName, true},
		{"foo/*/bar", "foo/bar", PathName, false},
		{"foo?bar", "foo/bar", PathName, false},
		{"foo[/]bar", "foo/bar", PathName, false},
		{"foo[^a-z]bar", "foo/bar", PathName, false},
		{"**/foo", "foo", PathName, true},
		{"**/foo", "a/b/foo", PathName, true},
		{"*/foo", "a/b/foo", PathName, false},
		{"**/*a*/**", "x/bar/y", PathName, true},
		{"**", "a/b", PathName, true},
		{"*", "a/b", PathName, false},
		{"a/**", "a/", PathName, true},
		{"a/**", "a", PathName, false},
		{"***/b", "a/b", PathName, true},
		{"a/**\\/b", "a/x/y/b", PathName, true},
		{"a*/b", "ax/c/b", PathName, false},
		{"A*", "abc", FoldCase, true},
		{"[A-Z]b", "ab", FoldCase, true},
		{"[A]b", "ab", FoldCase, false},
		{"\\Ab", "ab", FoldCase, false},
		{"[[:upper:]]", "a", FoldCase, true},
		{"a", "A", none, false},
	} {
		if got := Match(c.pattern, c.name, c.flags); got != c.want {
			t.Errorf("Match(%q, %q, %d) = %v", c.pattern, c.name, c.flags, got)
		}
	}
}

// TestManyStars would take for ever if failures were not remembered.
func TestManyStars(t *testing.T) {
	start := time.Now()
	for _, flags := range []Flags{0, PathName} {
		if Match(strings.Repeat("*a", 60)+"b", strings.Repeat("a", 400), flags) {
			t.Error("matched")
		}
		if Match(strings.Repeat("**/a*", 60)+"b", strings.Repeat("a/", 200), flags) {
			t.Error("matched")
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("**/a[!b-c]*\\?", "x/ad?", uint8(1))
	f.Add("[[:alpha:]", "a", uint8(2))
	f.Add("a/**/b*", "a/c/b/d", uint8(3))
	f.Fuzz(func(t *testing.T, pattern, name string, flags uint8) {
		if len(pattern) > 1000 || len(name) > 1000 {
			return
		}
		Match(pattern, name, Flags(flags&3))
		quoted := strings.NewReplacer("\\", "\\\\", "*", "\\*", "?", "\\?", "[", "\\[").Replace(name)
		if !Match(quoted, name, Flags(flags&1)) {
			t.Fatalf("%q does not match %q", quoted, name)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for b.Loop() {
		Match("**/run-*/out/*.dat", "study/run-0042/out/energy.dat", PathName)
	}
}
