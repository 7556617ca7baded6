package smudge

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Serve answers git over its long-running filter protocol (gitattributes(5))
// until git closes the stream, and then records what was stored. A file that
// cannot be filtered gets the status "error"; git decides what follows.
func (f *Filter) Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	r, w := bufio.NewReaderSize(in, 1<<17), bufio.NewWriterSize(out, 1<<17)
	if err := handshake(r, packetWriter{w}); err != nil {
		return fmt.Errorf("filter process: %w", err)
	}
	for {
		more, err := f.serveOne(ctx, r, w)
		if err == nil && more {
			continue
		}
		if ferr := f.Flush(context.WithoutCancel(ctx)); err == nil {
			err = ferr
		}
		if err != nil {
			return fmt.Errorf("filter process: %w", err)
		}
		return nil
	}
}

func handshake(r *bufio.Reader, w packetWriter) error {
	hello, err := readLines(r)
	if err != nil {
		return err
	}
	if len(hello) == 0 || hello[0] != "git-filter-client" || !slices.Contains(hello[1:], "version=2") {
		return fmt.Errorf("%w: unknown greeting", errPacket)
	}
	if err := errors.Join(w.lines("git-filter-server", "version=2"), w.w.Flush()); err != nil {
		return err
	}
	if _, err := readLines(r); err != nil {
		return err
	}
	return errors.Join(w.lines("capability=clean", "capability=smudge"), w.w.Flush())
}

// serveOne answers one request; more is false where git has no further one.
func (f *Filter) serveOne(ctx context.Context, r *bufio.Reader, w *bufio.Writer) (more bool, err error) {
	head, err := readLines(r)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var command, path string
	for _, l := range head {
		name, value, _ := strings.Cut(l, "=")
		switch name {
		case "command":
			command = value
		case "pathname":
			path = value
		}
	}
	content := newPacketReader(r)
	filter := f.Clean
	if command == "smudge" {
		filter = f.Smudge
	} else if command != "clean" {
		return false, fmt.Errorf("%w: command %q", errPacket, command)
	}
	reply, failure := filter(ctx, path, content)
	if _, err := io.Copy(io.Discard, content); err != nil {
		return false, err
	}
	return true, f.answer(w, path, reply, failure)
}

// answer sends a content, or says that there is none.
func (f *Filter) answer(w *bufio.Writer, path string, reply io.ReadCloser, failure error) error {
	p := packetWriter{w}
	if failure != nil {
		f.warn(path, failure)
		return errors.Join(p.lines("status=error"), w.Flush())
	}
	defer reply.Close()
	if err := p.lines("status=success"); err != nil {
		return err
	}
	buf := make([]byte, maxPacket)
	if _, err := io.CopyBuffer(onlyWriter{p}, onlyReader{reply}, buf); err != nil {
		f.warn(path, err)
		return errors.Join(p.flush(), p.lines("status=error"), w.Flush())
	}
	return errors.Join(p.flush(), p.flush(), w.Flush())
}

type onlyWriter struct{ io.Writer }
type onlyReader struct{ io.Reader }

// spool keeps content that goes back to git as it came: git hears of the
// verdict only after it has sent everything.
type spool struct {
	bytes.Buffer
	file *os.File
	dir  string
}

// spoolMemory is how much content is kept in memory, in bytes.
const spoolMemory = 8 << 20

func newSpool(dir string, head []byte, rest io.Reader) (io.ReadCloser, error) {
	s := &spool{dir: dir}
	s.Write(head)
	if _, err := io.CopyN(&s.Buffer, rest, spoolMemory); errors.Is(err, io.EOF) {
		return s, nil
	} else if err != nil {
		return nil, err
	}
	var err error
	if s.file, err = os.CreateTemp(dir, "stemma-filter-*"); err != nil {
		return nil, err
	}
	os.Remove(s.file.Name())
	if _, err = io.Copy(s.file, rest); err == nil {
		_, err = s.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&s.Buffer, s.file), s.file}, nil
}

// Close implements io.Closer.
func (s *spool) Close() error { return nil }
