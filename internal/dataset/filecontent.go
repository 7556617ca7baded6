package dataset

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/magic"
)

// content is a regular file that is opened at most once, however many parts of
// this package want to know what is in it.
type content struct {
	path string
	rel  string       // path below the dataset, if folders are given
	in   *fsx.Folders // by which it is opened; nil: by its path
	fi   fs.FileInfo  // as it was seen
	text []byte       // all of it, if read did; never nil then
	file *os.File
}

func (c *content) close() {
	if c.file != nil {
		c.file.Close()
	}
}

func (c *content) open() (*os.File, error) {
	if c.file == nil {
		f, err := c.openIn()
		if err != nil {
			return nil, err
		}
		c.file = f
	}
	return c.file, nil
}

func (c *content) openIn() (f *os.File, err error) {
	if c.in == nil {
		return os.Open(c.path)
	}
	err = c.in.In(c.rel, func(dir *fsx.Folder, name string) (err error) {
		f, err = dir.Open(name)
		return err
	})
	return f, err
}

// isInside makes sure of a file that was not opened that it is as it was seen,
// and in its folder: its path may have led elsewhere.
func (c *content) isInside() error {
	if c.file != nil && c.text != nil {
		return nil // read has compared
	}
	return c.in.In(c.rel, func(dir *fsx.Folder, name string) error {
		same, err := dir.Holds(name, c.fi)
		if err == nil && !same {
			err = &annex.ChangedError{Path: c.path}
		}
		return err
	})
}

// read takes a small file into memory. An *annex.ChangedError says that it is
// not as it was seen.
func (c *content) read() error {
	f, err := c.open()
	if err != nil {
		return err
	}
	text := make([]byte, c.fi.Size())
	_, err = f.ReadAt(text, 0)
	if errors.Is(err, io.EOF) {
		err = &annex.ChangedError{Path: c.path}
	}
	if err != nil {
		return err
	}
	after, err := f.Stat()
	if err == nil && !(os.SameFile(c.fi, after) && c.fi.Size() == after.Size() && c.fi.ModTime().Equal(after.ModTime())) {
		err = &annex.ChangedError{Path: c.path}
	}
	c.text, c.fi = text, after
	return err
}

// head is what the type of a file is known by.
func (c *content) head() ([]byte, error) {
	if c.text != nil {
		return c.text[:min(len(c.text), magic.HeadSize)], nil
	}
	f, err := c.open()
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(int64(magic.HeadSize), c.fi.Size()))
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return head[:n], nil
}
