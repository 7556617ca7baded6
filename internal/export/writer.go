package export

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/stemma-data/stemma/internal/errs"
)

// writer is one kind of archive.
type writer interface {
	add(m member, when time.Time) error
	close() error
}

func newWriter(opt ArchiveOptions, w io.Writer) (writer, error) {
	switch opt.Kind + "/" + opt.Compression {
	case "zip/", "zip/gz":
		return &zipWriter{zip.NewWriter(w)}, nil
	case "/", "tar/":
		return &tarWriter{Writer: tar.NewWriter(w)}, nil
	case "/gz", "tar/gz":
		z := gzip.NewWriter(w)
		return &tarWriter{tar.NewWriter(z), z}, nil
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
	if m.link != "" {
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, m.link, 0o777
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
type zipWriter struct{ z *zip.Writer }

func (z *zipWriter) add(m member, when time.Time) error {
	h := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Modified: when}
	h.SetMode(m.mode)
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
