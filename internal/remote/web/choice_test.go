package web

import "testing"

func TestChoices(t *testing.T) {
	for _, c := range []struct {
		include, exclude, url string
		want                  bool
	}{
		{"", "", "http://h/a", true},
		{"http://h/*", "", "HTTP://H/a/b", true},
		{"http://h/*", "", "http://i/a", false},
		{"", "*.tmp", "http://h/a.tmp", false},
		{"", "*.tmp", "http://h/a", true},
		{"http://h/*", "*.tmp", "http://h/a/b.tmp", false},
		{"http://h/?", "", "http://h/a", true},
	} {
		if got := (choice{c.include, c.exclude}).takes(c.url); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
