package annexcmd

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestRefSpec(t *testing.T) {
	all := []usedRef{{"refs/heads/main", "1"}, {"refs/heads/side", "2"}, {"refs/tags/old", "3"}, {"refs/remotes/o/main", "1"}}
	resolve := func(name string) (string, error) {
		if name == "nosuch" {
			return "", errors.New("nosuch")
		}
		return "of-" + name, nil
	}
	reflog := func() ([]usedRef, error) { return []usedRef{{"7", "7"}, {"8", "8"}}, nil }
	for _, c := range []struct{ text, want string }{
		{"+refs/heads/*", "1 2"},
		{"+refs/*:-refs/heads/*", "3 1"},
		{"-refs/heads/*:+refs/heads/s?de", "2"},
		{"+HEAD^:+refs/tags/*:-refs/tags/old:reflog", "of-HEAD^ 7 8"},
		{"+HEAD:-HEAD", ""},
		{"+nosuch", "error"},
		{"reflog:-7", "8"},
		{"refs/heads/main", "error"}, {"", "error"}, {"+a::+b", "error"}, {"+", "error"}, {"+--all", "error"}, {"reflogs", "error"},
	} {
		got := "error"
		if spec, err := ParseRefSpec(c.text); err == nil {
			if used, err := spec.apply(all, resolve, reflog); err == nil {
				got = strings.Join(distinct(used), " ")
			}
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzRefSpec(f *testing.F) {
	for _, s := range []string{"+refs/*:+HEAD", "-[a", "reflog:+x?:-", "+refs/heads/[!a-z]*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := ParseRefSpec(text)
		if err != nil {
			return
		}
		all := []usedRef{{"refs/heads/main", "1"}}
		used, err := spec.apply(all, func(name string) (string, error) { return name, nil }, func() ([]usedRef, error) { return nil, nil })
		if err != nil || slices.ContainsFunc(used, func(r usedRef) bool { return r.name == "" || r.name[0] == '-' }) {
			t.Errorf("%q: %q %v", text, used, err)
		}
	})
}
