package fsx

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestReadContent(t *testing.T) {
	for _, size := range []int{0, 1, mapFrom - 1, mapFrom, 3*mapFrom + 17} {
		path := filepath.Join(t.TempDir(), "f")
		want := bytes.Repeat([]byte("0123456789abcdef!"), size/17+1)[:size]
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ReadContent(f, int64(size))
		if err != nil {
			t.Fatal(err)
		}
		// It outlives the descriptor, the name, and what takes its place.
		f.Close()
		if err := WriteFile(path, []byte("new"), 0o644); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
		if !bytes.Equal(c.Bytes, want) {
			t.Errorf("%d bytes: wrong content", size)
		}
		runtime.KeepAlive(c)
	}
}

func TestReadContentTooShort(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := ReadContent(f, 5); err == nil {
		t.Error("read five bytes of an empty file")
	}
}

func TestEarlyWriter(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := NewEarlyWriter(f)
	var want []byte
	for _, size := range []int{3, 2*earlyPiece + 5, 0, earlyPiece / 2, 1} {
		p := bytes.Repeat([]byte{byte(size)}, size)
		want = append(want, p...)
		if n, err := w.Write(p); n != size || err != nil {
			t.Fatal(n, err)
		}
	}
	if got, _ := os.ReadFile(f.Name()); !bytes.Equal(got, want) {
		t.Errorf("%d bytes, want %d, or wrong ones", len(got), len(want))
	}
	f.Close()
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("wrote to a closed file")
	}
}
