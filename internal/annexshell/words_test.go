package annexshell

import (
	"slices"
	"testing"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		`'p2pstdio' '/a b' 'u' --uuid x`: {"p2pstdio", "/a b", "u", "--uuid", "x"},
		`git-upload-pack '/it'\''s'`:     {"git-upload-pack", "/it's"},
		`a "b $HOME \" c" ''`:            {"a", `b $HOME " c`, ""},
		"  x\ty  ":                       {"x", "y"},
		"":                               nil,
	} {
		if got, err := split(line); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q %v", line, got, err)
		}
	}
	for _, line := range []string{`'a`, `a\`, `"`} {
		if got, err := split(line); err == nil {
			t.Errorf("%s: %q", line, got)
		}
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("''")
	f.Add(`git-upload-pack '/it'\''s'`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil {
			return
		}
		again, err := split(quote(words))
		if err != nil || !slices.Equal(words, again) {
			t.Fatalf("%q: %q became %q, %v", line, words, again, err)
		}
	})
}
