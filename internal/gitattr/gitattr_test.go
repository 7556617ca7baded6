package gitattr

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// from serves .gitattributes out of a map.
func from(files map[string]string) Source {
	return func(dir string) ([]byte, error) {
		if text, ok := files[dir]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
}

func TestPrecedence(t *testing.T) {
	m := New(from(map[string]string{"": "* c=top d=top e=top\n", "d": "* d=deep e=deep\n"}),
		[]byte("* a=system b=system c=system d=system e=system\n"), []byte("* b=global c=global d=global e=global\n"), []byte("* e=info\n"), false)
	got, err := m.Get("d/f", "a", "b", "c", "d", "e", "none")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "system", "b": "global", "c": "top", "d": "deep", "e": "info", "none": "unspecified"} {
		if got[name].String() != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
}

func TestValues(t *testing.T) {
	m := New(from(map[string]string{"": "* s -u v=x e= !n\n*.bin binary\n"}), nil, nil, nil, false)
	got, err := m.Get("a.bin")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Value{"s": {State: Set}, "u": {State: Unset}, "v": {Valued, "x"}, "e": {Valued, ""}, "binary": {State: Set}, "diff": {State: Unset}, "merge": {State: Unset}, "text": {State: Unset}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestBadPaths(t *testing.T) {
	m := New(from(nil), nil, nil, nil, false)
	for _, p := range []string{"", "/", "/a", "a//b", "../a", "a/..", "./a", "a//"} {
		if _, err := m.Get(p, "x"); !errors.Is(err, errPath) {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestSourceErrorIsReportedAndNotKept(t *testing.T) {
	fail := errors.New("i/o error")
	m := New(func(string) ([]byte, error) { err := fail; fail = nil; return []byte("* x\n"), err }, nil, nil, nil, false)
	if _, err := m.Get("a", "x"); err == nil {
		t.Fatal("no error")
	}
	if got, err := m.Get("a", "x"); err != nil || got["x"].State != Set {
		t.Error(got, err)
	}
}

func TestLargeFileIsIgnored(t *testing.T) {
	data := append([]byte("* x\n"), make([]byte, maxFile-4)...)
	if f := parse(data, true); len(f.rules) != 0 {
		t.Error("100 MiB are not too large")
	}
	if f := parse(data[:maxFile-1], true); len(f.rules) != 1 {
		t.Error("less than 100 MiB are too large")
	}
}

func TestEachDirectoryIsReadOnceAndByMany(t *testing.T) {
	var reads atomic.Int32
	m := New(func(dir string) ([]byte, error) { reads.Add(1); return []byte("* d=" + dir + "\n"), nil }, nil, nil, nil, false)
	if _, err := m.Get("a/b/c"); err != nil || reads.Load() != 3 {
		t.Fatal(err, reads.Load())
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				dir := fmt.Sprintf("d%d", (i+j)%50)
				if got, err := m.Get(dir+"/f", "d"); err != nil || got["d"].Text != dir {
					t.Error(got, err)
				}
			}
		})
	}
	wg.Wait()
	before := reads.Load()
	if _, err := m.Get("d7/f"); err != nil || reads.Load() != before {
		t.Error("read again")
	}
}

func FuzzGet(f *testing.F) {
	for _, line := range odd {
		f.Add(line, "d/a")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		m := New(from(map[string]string{"": text}), nil, nil, []byte(text), len(text)%2 == 0)
		all, err := m.Get(path)
		if err != nil {
			return
		}
		for name, v := range all {
			one, err := m.Get(path, name)
			if err != nil || one[name] != v || strings.ContainsAny(name, blank) {
				t.Fatalf("%q: %v alone, %v among all, %v", name, one[name], v, err)
			}
		}
	})
}
