package annexlog

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	repoA, repoB, store = "aefb3f16-80ea-49a4-ab5f-11de2bf142f5", "bbbb", "fef8e39a-064a-4373-833b-9ee0a8718e96"
	tree1, tree2, tree3 = "1ea0a2307ab96168b4309bd9e9e35f81a467ad21", "2222222222222222222222222222222222222222", "3333333333333333333333333333333333333333"
	noTree              = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
)

func clockAt(sec int64) Clock { return ClockOf(time.Unix(sec, 0)) }

func TestExports(t *testing.T) {
	line := "1795343924.78206709s " + repoA + ":" + store + " " + tree1 + "\n" // git-annex's own
	log := ParseExports([]byte(line))
	if got := log.Trees(store, noTree); !slices.Equal(got, []string{tree1}) || log.Trees("other", noTree) != nil {
		t.Errorf("trees: %v", got)
	}
	begun, err := log.Begin(repoA, store, tree2, noTree, clockAt(1795343999))
	if want := "1795343999s " + repoA + ":" + store + " " + tree1 + " " + tree2 + "\n"; err != nil || string(begun) != want {
		t.Errorf("begun: %q %v, want %q", begun, err, want)
	}
	again, _ := ParseExports(begun).Begin(repoA, store, tree3, noTree, clockAt(1795344000))
	if got := ParseExports(again).Incomplete(store); !slices.Equal(got, []string{tree2, tree3}) {
		t.Errorf("incomplete: %v", got)
	}
	done, err := ParseExports(again).Complete(repoA, store, tree3, []string{tree1}, clockAt(1795344001))
	if want := "1795344001s " + repoA + ":" + store + " " + tree3 + "\n"; err != nil || string(done) != want {
		t.Errorf("done: %q %v, want %q", done, err, want)
	}
	first, _ := ParseExports(nil).Begin(repoA, store, tree1, noTree, clockAt(5))
	if got := ParseExports(first).Trees(store, noTree); got != nil {
		t.Errorf("an export that has only begun has trees: %v", got)
	}
}

// TestExportsOfOthers: what another repository exported is replaced where this
// one knew of it, and a conflict where it did not.
func TestExportsOfOthers(t *testing.T) {
	other := "10s " + repoB + ":" + store + " " + tree1 + "\n"
	out, _ := ParseExports([]byte(other)).Complete(repoA, store, tree2, []string{tree1}, clockAt(20))
	if got := ParseExports(out).Trees(store, noTree); !slices.Equal(got, []string{tree2}) {
		t.Errorf("known: %v", got)
	}
	out, _ = ParseExports([]byte(other)).Complete(repoA, store, tree2, nil, clockAt(20))
	if got := ParseExports(out).Trees(store, noTree); len(got) != 2 {
		t.Errorf("unknown: %v", got)
	}
}

func TestContentIDs(t *testing.T) {
	line := "1795676963.894864848s " + store + " 9996867 4 1795676963 491798874:9996863 4 1795676963 \n"
	c := ParseContentIDs([]byte(line))
	if got := c.Of(store); !slices.Equal(got, []string{"9996867 4 1795676963 491798874", "9996863 4 1795676963 "}) {
		t.Errorf("%q", got)
	}
	if _, changed, _ := c.Add(store, "9996863 4 1795676963 ", clockAt(1)); changed {
		t.Error("a known identifier changes the log")
	}
	for _, odd := range []string{"a:b", "!x", "two\nlines", "", "\xff:"} {
		out, changed, err := c.Add(store, odd, clockAt(1795676999))
		if err != nil || !changed || ParseContentIDs(out).Of(store)[0] != odd || strings.Count(string(out), "\n") != 1 {
			t.Errorf("%q: %q %v %v", odd, out, changed, err)
		}
	}
	if got := InodeCache(10021225, 1, time.Unix(1600000000, 50_000_000)); got != "10021225 1 1600000000 05" {
		t.Errorf("%q", got)
	}
	if got := InodeCache(1, 2, time.Unix(3, 0)); got != "1 2 3 " {
		t.Errorf("%q", got)
	}
}

func FuzzExports(f *testing.F) {
	f.Add([]byte("1795343924.78206709s a:b c d e\n"), "a", "b", "t")
	f.Add([]byte("1s :: \n2s a:b\n"), "", "", "")
	f.Fuzz(func(t *testing.T, data []byte, from, to, tree string) {
		log := ParseExports(data)
		log.Incomplete(to)
		out, err := log.Begin(from, to, tree, noTree, clockAt(9))
		if err != nil || len(strings.Fields(tree)) != 1 || strings.Contains(from, ":") || strings.ContainsAny(tree, "\r\n") {
			return
		}
		if !slices.Contains(ParseExports(out).Incomplete(to), strings.Fields(tree)[0]) {
			t.Errorf("%q is not in %q", tree, out)
		}
	})
}

func FuzzContentIDs(f *testing.F) {
	f.Add([]byte("1795676963.894864848s u 9996867 4 1795676963 491798874:!YTpi\n"), "u", "x:y")
	f.Add([]byte("1s u !:!!:\n"), "u", "")
	f.Fuzz(func(t *testing.T, data []byte, remote, id string) {
		c := ParseContentIDs(data)
		out, _, err := c.Add(remote, id, clockAt(9))
		if err == nil && !slices.Contains(ParseContentIDs(out).Of(remote), id) {
			t.Errorf("%q is not in %q", id, out)
		}
	})
}
