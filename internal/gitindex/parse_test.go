package gitindex

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/stemma-data/stemma/internal/gitobj"
	"pgregory.net/rapid"
)

// sealed completes an index with its checksum.
func sealed(format gitobj.Format, parts ...string) []byte {
	data := []byte(strings.Join(parts, ""))
	h := format.New()
	h.Write(data)
	return h.Sum(data)
}

func header(version, count uint32) string {
	b := binary.BigEndian.AppendUint32([]byte("DIRC"), version)
	return string(binary.BigEndian.AppendUint32(b, count))
}

func ext(sig, data string) string {
	return string(binary.BigEndian.AppendUint32([]byte(sig), uint32(len(data)))) + data
}

// entry makes a SHA-1 entry of version 2 or 3 by hand.
func entry(path string, mode gitobj.Mode, flags, extra uint16) string {
	b := appendStat(nil, Stat{Size: 1}, uint32(mode))
	b = append(b, bytes.Repeat([]byte{7}, 20)...)
	b = binary.BigEndian.AppendUint16(b, flags|uint16(len(path)))
	if flags&flagExtended != 0 {
		b = binary.BigEndian.AppendUint16(b, extra)
	}
	b = append(b, path...)
	return string(append(b, make([]byte, 8-len(b)%8)...))
}

func TestParseRefuses(t *testing.T) {
	a := entry("a", gitobj.ModeFile, 0, 0)
	b := entry("b", gitobj.ModeFile, 0, 0)
	var bad *CorruptError
	cases := map[string]struct {
		data      []byte
		supported bool // then it must be *CorruptError
	}{
		"split":              {sealed(gitobj.SHA1, header(2, 0), ext("link", "x")), false},
		"sparse":             {sealed(gitobj.SHA1, header(3, 0), ext("sdir", "")), false},
		"mandatory":          {sealed(gitobj.SHA1, header(2, 1), a, ext("neww", "x")), false},
		"version 5":          {sealed(gitobj.SHA1, header(5, 0)), false},
		"directory entry":    {sealed(gitobj.SHA1, header(2, 1), entry("d/", gitobj.ModeTree, 0, 0)), false},
		"mode":               {sealed(gitobj.SHA1, header(2, 1), entry("d", 0o100600, 0, 0)), false},
		"extended in 2":      {sealed(gitobj.SHA1, header(2, 1), entry("d", gitobj.ModeFile, flagExtended, extraIntentToAdd)), false},
		"unknown flag":       {sealed(gitobj.SHA1, header(3, 1), entry("d", gitobj.ModeFile, flagExtended, 0x8000)), false},
		"short":              {[]byte("DIRC"), true},
		"signature":          {sealed(gitobj.SHA1, "CRID", header(2, 0)[4:]), true},
		"sum":                {append(sealed(gitobj.SHA1, header(2, 0))[:12], bytes.Repeat([]byte{1}, 20)...), true},
		"wrong hash":         {sealed(gitobj.SHA256, header(2, 0)), true},
		"count":              {sealed(gitobj.SHA1, header(2, 1<<31)), true},
		"one missing":        {sealed(gitobj.SHA1, header(2, 2), a), true},
		"order":              {sealed(gitobj.SHA1, header(2, 2), b, a), true},
		"twice":              {sealed(gitobj.SHA1, header(2, 2), a, a), true},
		"stages":             {sealed(gitobj.SHA1, header(2, 2), entry("a", gitobj.ModeFile, 0x2000, 0), entry("a", gitobj.ModeFile, 0x1000, 0)), true},
		"empty path":         {sealed(gitobj.SHA1, header(2, 1), entry("", gitobj.ModeFile, 0, 0)), false},
		"zero in path":       {sealed(gitobj.SHA1, header(2, 1), entry("a\x00b", gitobj.ModeFile, 0, 0)), true},
		"extension cut":      {sealed(gitobj.SHA1, header(2, 0), ext("TREE", "abc")[:9]), true},
		"extension head cut": {sealed(gitobj.SHA1, header(2, 0), "TREE"), true},
	}
	for name, c := range cases {
		_, err := Parse(c.data, gitobj.SHA1)
		if c.supported != errors.As(err, &bad) || c.supported == errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseAcceptsSkippedSum(t *testing.T) {
	data := append([]byte(header(2, 1)+entry("a", gitobj.ModeFile, 0, 0)), make([]byte, 20)...)
	f, err := Parse(data, gitobj.SHA1)
	mustNot(t, err)
	if _, err := Parse(spliced(t, f, nil, Options{}), gitobj.SHA1); err != nil {
		t.Error(err)
	}
}

func TestSpliceExtensions(t *testing.T) {
	a := entry("a", gitobj.ModeFile, 0, 0)
	f, err := Parse(sealed(gitobj.SHA1, header(2, 1), a, ext("NEWW", "x")), gitobj.SHA1)
	mustNot(t, err)
	if err := f.Splice(&bytes.Buffer{}, nil, Options{}); !errors.Is(err, ErrUnsupported) || !strings.Contains(err.Error(), "NEWW") {
		t.Errorf("unknown optional extension: %v", err)
	}
	tree := "\x001 0\n" + strings.Repeat("t", 20)
	f, err = Parse(sealed(gitobj.SHA1, header(2, 1), a, ext("TREE", tree), ext("REUC", "r"), ext("UNTR", "u"),
		ext("FSMN", "f"), ext("IEOT", "i"), ext("EOIE", "e")), gitobj.SHA1)
	mustNot(t, err)
	want := sealed(gitobj.SHA1, header(2, 0), ext("TREE", "\x00-1 0\n"), ext("REUC", "r"))
	if got := spliced(t, f, []Edit{{Path: "a", Remove: true}}, Options{}); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCacheTree(t *testing.T) {
	id := strings.Repeat("#", 20)
	tree := "\x009 2\n" + id + "a\x003 1\n" + id + "sub\x001 0\n" + id + "bb\x002 0\n" + id
	cases := []struct {
		stale []string
		want  string
	}{
		{nil, tree},
		{[]string{"new"}, "\x00-1 2\n" + tree[5+20:]},
		{[]string{"a/x"}, "\x00-1 2\na\x00-1 1\nsub\x001 0\n" + id + "bb\x002 0\n" + id},
		{[]string{"a/sub/x", "bb/x"}, "\x00-1 2\na\x00-1 1\nsub\x00-1 0\nbb\x00-1 0\n"},
		{[]string{"a"}, "\x00-1 1\nbb\x002 0\n" + id},
		{[]string{"a/sub", "a/sub/gone", "bb"}, "\x00-1 1\na\x00-1 0\n"},
	}
	for _, c := range cases {
		w := treeWriter{hash: 20}
		n, ok := w.node([]byte(tree), c.stale)
		if got := string(bytes.Join(w.parts, nil)); !ok || n != len(tree) || got != c.want {
			t.Errorf("%q: got %q, want %q", c.stale, got, c.want)
		}
	}
	for cut := range len(tree) {
		w := treeWriter{hash: 20}
		if _, ok := w.node([]byte(tree[:cut]), []string{"a/sub/x"}); ok {
			t.Errorf("%d bytes taken for whole", cut)
		}
	}
}

func TestVarint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.IntRange(0, 1<<40).Draw(t, "v")
		b := appendVarint(nil, v)
		if got, n := readVarint(b, 1<<40); got != v || n != len(b) {
			t.Fatalf("%d became %d (%d of %d bytes)", v, got, n, len(b))
		}
	})
	if got := appendVarint(nil, 128); !bytes.Equal(got, []byte{0x80, 0}) {
		t.Errorf("128 is %x", got)
	}
}

func TestStatSame(t *testing.T) {
	s := Stat{CTime: Time{1, 2}, MTime: Time{3, 4}, Dev: 5, Ino: 6, UID: 7, GID: 8, Size: 9}
	change := func(f func(*Stat)) Stat { c := s; f(&c); return c }
	cases := []struct {
		now                  Stat
		plain, noCTime, mini bool
	}{
		{s, true, true, true},
		{change(func(s *Stat) { s.Dev++ }), true, true, true},
		{change(func(s *Stat) { s.MTime.Nsec = 0 }), true, true, true},
		{change(func(s *Stat) { s.MTime.Nsec++ }), false, false, true},
		{change(func(s *Stat) { s.CTime.Sec++ }), false, true, true},
		{change(func(s *Stat) { s.Ino++ }), false, false, true},
		{change(func(s *Stat) { s.UID++ }), false, false, true},
		{change(func(s *Stat) { s.MTime.Sec++ }), false, false, false},
		{change(func(s *Stat) { s.Size++ }), false, false, false},
	}
	for i, c := range cases {
		got := [3]bool{s.Same(c.now, Check{}), s.Same(c.now, Check{IgnoreCTime: true}), s.Same(c.now, Check{Minimal: true})}
		if got != [3]bool{c.plain, c.noCTime, c.mini} {
			t.Errorf("case %d: %v", i, got)
		}
	}
}
