package exporttree

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stemma-data/stemma/internal/remote"
)

// changes reads "name=ID", or "name" for a deletion.
func changes(text string) (list []remote.Change) {
	for word := range strings.FieldsSeq(text) {
		name, id, there := strings.Cut(word, "=")
		list = append(list, remote.Change{Importable: remote.Importable{Path: name, ID: id}, Gone: !there})
	}
	return list
}

func history(steps ...string) (list [][]remote.Change) {
	for _, s := range steps {
		list = append(list, changes(s))
	}
	return list
}

func shown(h [][]remote.Change) (out []string) {
	for _, changes := range h {
		var words []string
		for _, c := range changes {
			if c.Gone {
				words = append(words, c.Path)
			} else {
				words = append(words, c.Path+"="+c.ID)
			}
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func TestFilesWhereFoldersAreAreHidden(t *testing.T) {
	for _, c := range []struct {
		have, want []string
		hidden     string
	}{
		{[]string{"a=1 b/c=2", "a=3", "b/c"}, []string{"a=1 b/c=2", "a=3", "b/c"}, "[]"},
		{[]string{"a=1 a/b=2"}, []string{"a/b=2"}, "[a]"},
		{[]string{"a=1", "a/b=2", "a/b"}, []string{"a=1", "a a/b=2", "a=1 a/b"}, "[]"},
		{[]string{"a=1", "a a/b/c=2", "a=3"}, []string{"a=1", "a a/b/c=2"}, "[a]"},
		{[]string{"a/b/c=1", "a/b=2", "a=3", "a/b/c", "a/b"}, []string{"a/b/c=1", "a/b=2 a/b/c", "a=3 a/b"}, "[]"},
		{[]string{"nothing", "a=1", "a=1"}, []string{"a=1"}, "[]"},
		{nil, nil, "[]"},
	} {
		seen, hidden := layOut(history(c.have...))
		if got := shown(seen); !slices.Equal(got, c.want) || fmt.Sprint(hidden) != c.hidden {
			t.Errorf("%q: %q, hidden %v; want %q, %s", c.have, got, hidden, c.want, c.hidden)
		}
	}
}

// TestLaidOutTreesArePossible: at no time a file is also a folder, and in the end
// there is what is there and not hidden.
func TestLaidOutTreesArePossible(t *testing.T) {
	names := rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "a/d", "e", "e/f"})
	rapid.Check(t, func(t *rapid.T) {
		steps := rapid.SliceOf(rapid.SliceOfNDistinct(names, 1, 3, func(s string) string { return s })).Draw(t, "steps")
		var h [][]remote.Change
		there := map[string]bool{}
		for n, s := range steps {
			var list []remote.Change
			for _, name := range s {
				gone := rapid.Bool().Draw(t, "gone")
				if delete(there, name); !gone {
					there[name] = true
				}
				list = append(list, remote.Change{Importable: remote.Importable{Path: name, ID: fmt.Sprint(n)}, Gone: gone})
			}
			h = append(h, list)
		}
		seen, hidden := layOut(h)
		for n := range seen {
			for _, x := range present(seen[:n+1]) {
				for _, y := range present(seen[:n+1]) {
					if strings.HasPrefix(y.Path, x.Path+"/") {
						t.Fatalf("%v: %v and %v", h, x, y)
					}
				}
			}
		}
		if len(present(seen))+len(hidden) != len(there) {
			t.Fatalf("%v: %v there, %v seen, %v hidden", h, there, present(seen), hidden)
		}
	})
}

func TestStepsLeaveOutWhatWasNotFound(t *testing.T) {
	h := history("x=0", "a=1", "b=2 a=3", "b", "a=4")
	found := map[remote.Importable]file{}
	for _, i := range past(h) {
		if i.ID == "1" || i.ID == "2" || i.ID == "4" {
			found[i] = file{path: i.Path}
		}
	}
	var got []string
	for _, s := range steps(h, found) {
		text := ""
		for _, f := range s.set {
			text += "+" + f.path
		}
		for _, name := range s.gone {
			text += "-" + name
		}
		got = append(got, text)
	}
	if want := []string{"+a", "+b-a", "-b", "+a"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if list := steps(nil, nil); len(list) != 1 || len(result(list)) != 0 {
		t.Errorf("%v", list)
	}
}
