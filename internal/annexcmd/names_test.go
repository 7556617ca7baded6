package annexcmd

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stemma-data/stemma/internal/annex"
)

// TestFileNameOf: names are git-annex's for the same URLs.
func TestFileNameOf(t *testing.T) {
	for _, c := range []struct {
		url   string
		depth int
		want  string
	}{
		{"http://127.0.0.1:8797/w.txt", 0, "127.0.0.1_w.txt"},
		{"http://127.0.0.1:8797/d/y.dat", 0, "127.0.0.1_d_y.dat"},
		{"http://127.0.0.1:8797/d/y.dat", 1, "d/y.dat"},
		{"http://127.0.0.1:8797/d/y.dat", -1, "y.dat"},
		{"http://h/a?b=c&d", 0, "h_a_b_c_d"},
		{"http://:80/", 0, "_"},
		{"http://:80/", 1, "_"},
		{"http://" + strings.Repeat("é", 150) + "/", 0, strings.Repeat("é", 100)},
	} {
		if got := fileNameOf(c.url, c.depth); got != c.want {
			t.Errorf("%s (%d): got %s, want %s", c.url, c.depth, got, c.want)
		}
	}
}

func FuzzFileNameOf(f *testing.F) {
	f.Add("http://h/../../etc/passwd", 1)
	f.Add("file:///.git/config", -2)
	f.Fuzz(func(t *testing.T, url string, depth int) {
		name := fileNameOf(url, depth%8)
		for _, part := range strings.Split(name, "/") {
			if part == "" || part == ".." || !utf8.ValidString(part) && utf8.ValidString(url) || strings.EqualFold(part, ".git") || strings.ContainsAny(part, "\x00\n") {
				t.Errorf("%q (%d) became %q", url, depth, name)
			}
		}
	})
}

func TestAdjustedNames(t *testing.T) {
	for _, a := range []annex.Adjustment{
		{Unlock: true}, {Lock: true}, {Fix: true}, {HideMissing: true}, {HideMissing: true, Unlock: true}, {UnlockPresent: true},
	} {
		original, got, ok := annex.ParseAdjusted("adjusted/a/b(" + a.Name() + ")")
		if original != "a/b" || got != a || !ok {
			t.Errorf("%+v: %s, %+v, %v", a, original, got, ok)
		}
	}
	for _, name := range []string{"main", "adjusted/main", "adjusted/(unlocked)", "adjusted/main(nonsense)",
		"adjusted/git-annex(unlocked)", "adjusted/HEAD(unlocked)"} {
		if original, _, ok := annex.ParseAdjusted(name); ok || original != name {
			t.Errorf("%s was taken for an adjusted branch", name)
		}
	}
}

func FuzzFormatTemplate(f *testing.F) {
	f.Add(`${file;12}\n${escaped_key}\000`)
	f.Add(`\`)
	f.Add(`${a`)
	f.Fuzz(func(t *testing.T, template string) {
		FormatTemplate(template, map[string]string{"file": "x y\n", "key": "K"})
	})
}
