package ssh

import (
	"fmt"
	"io"
	"os"

	"github.com/stemma-data/stemma/internal/remote"
)

// source reads the content that is stored on the host.
type source struct {
	content remote.Content
	file    *os.File
	before  os.FileInfo
}

// From implements p2p.Source.
func (s *source) From(offset int64) (io.Reader, int64, error) {
	f, err := os.Open(s.content.Path)
	if err != nil {
		return nil, 0, err
	}
	s.file = f
	if s.before, err = f.Stat(); err != nil {
		return nil, 0, err
	}
	if offset > s.before.Size() {
		return nil, 0, fmt.Errorf("it has more of the content (%d bytes) than there is", offset)
	}
	s.content.Report(offset)
	_, err = f.Seek(offset, io.SeekStart)
	return s.content.MovedReader(f), s.before.Size() - offset, err
}

// Unmodified implements p2p.Source.
func (s *source) Unmodified() bool {
	fi, err := s.file.Stat()
	return err == nil && fi.Size() == s.before.Size() && fi.ModTime().Equal(s.before.ModTime())
}

// sent reports whether any content may have been sent.
func (s *source) sent() bool { return s.file != nil }

func (s *source) close() {
	if s.file != nil {
		s.file.Close()
	}
}
