package export

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dsnet/compress/bzip2"

	"github.com/stemma-data/stemma/internal/errs"
)

// writer is one kind of archive.
type writer interface {
	add(m member, when time.Time) error
	close() error
}

func newWriter(opt ArchiveOptions, w io.Writer) (writer, error) {
	switch opt.Kind + "/" + opt.Compression {
	case "zip/":
		return &zipWriter{zip.NewWriter(w), zip.Store}, nil
	case "zip/gz", "zip/bz2": // zip has one kind of compression
		return &zipWriter{zip.NewWriter(w), zip.Deflate}, nil
	case "/", "tar/":
		return &tarWriter{Writer: tar.NewWriter(w)}, nil
	case "/gz", "tar/gz":
		z := gzip.NewWriter(w)
		return &tarWriter{tar.NewWriter(z), z}, nil
	case "/bz2", "tar/bz2":
		z, err := bzip2.NewWriter(w, nil)
		return &tarWriter{tar.NewWriter(z), z}, err
	}
	return nil, errs.WithHint(fmt.Errorf("compression %q is not supported for %s archives", opt.Compression, opt.Kind), "use gz, or none: -c ''")
}

// tarWriter writes a tar archive, compressed or not.
type tarWriter struct {
	*tar.Writer
	below io.Closer // nil without compression
}

func (t *tarWriter) add(m member, when time.Time) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: m.name, Mode: int64(m.mode), Size: m.size, ModTime: when, Format: tar.FormatPAX}
	switch {
	case m.link != "":
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, m.link, 0o777
	case m.mode.IsDir():
		h.Typeflag, h.Name, h.Mode = tar.TypeDir, m.name+"/", int64(m.mode.Perm())
	}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	return m.copyTo(t)
}

func (t *tarWriter) close() error {
	err := t.Close()
	if t.below != nil {
		err = errors.Join(err, t.below.Close())
	}
	return err
}

// copyTo writes the content, which must be as long as it was announced.
func (m *member) copyTo(w io.Writer) error {
	if m.open == nil {
		return nil
	}
	r, err := m.open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.CopyN(w, r, m.size)
	return err
}

// zipWriter writes a zip archive.
type zipWriter struct {
	z      *zip.Writer
	method uint16
}

func (z *zipWriter) add(m member, when time.Time) error {
	h := &zip.FileHeader{Name: m.name, Method: z.method, Modified: when}
	h.SetMode(m.mode)
	if m.mode.IsDir() {
		h.Name, h.Method = m.name+"/", zip.Store
	}
	if m.link != "" {
		const symlink = 0o120777
		h.ExternalAttrs = symlink << 16
	}
	w, err := z.z.CreateHeader(h)
	if err != nil {
		return err
	}
	if m.link != "" {
		_, err = io.WriteString(w, m.link)
		return err
	}
	return m.copyTo(w)
}

func (z *zipWriter) close() error { return z.z.Close() }
