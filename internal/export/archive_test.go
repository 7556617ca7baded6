package export

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"
)

var members = []member{
	{name: "r/a", mode: 0o644, size: 100_000, open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(strings.Repeat("content", 20_000)[:100_000])), nil
	}},
	{name: "r/sub", mode: fs.ModeDir | 0o755},
	{name: "r/link", link: "a"},
}

func written(t *testing.T, kind, compression string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := newWriter(ArchiveOptions{Kind: kind, Compression: compression}, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		if err := w.add(m, time.Unix(1000, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBzip2CanBeRead(t *testing.T) {
	data := written(t, "tar", "bz2")
	if len(data) > 10_000 {
		t.Errorf("not compressed: %d bytes", len(data))
	}
	r := tar.NewReader(bzip2.NewReader(bytes.NewReader(data)))
	for _, want := range []byte{tar.TypeReg, tar.TypeDir, tar.TypeSymlink} {
		h, err := r.Next()
		if err != nil || h.Typeflag != want {
			t.Fatalf("%+v %v, want %c", h, err, want)
		}
		if n, err := io.Copy(io.Discard, r); n != h.Size || err != nil {
			t.Errorf("%s: %d bytes, %v", h.Name, n, err)
		}
	}
}

func TestZip(t *testing.T) {
	for compression, method := range map[string]uint16{"": zip.Store, "gz": zip.Deflate} {
		data := written(t, "zip", compression)
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil || len(z.File) != len(members) || z.File[0].Method != method {
			t.Fatalf("%q: %v %+v", compression, err, z)
		}
		if d := z.File[1]; d.Name != "r/sub/" || !d.Mode().IsDir() {
			t.Errorf("%s %s", d.Name, d.Mode())
		}
	}
}
