package p2p

import (
	"bufio"
	"context"
	"errors"
	"io"
)

// maxLine bounds a message, in bytes. Keys and file names are far shorter;
// CHANGED lists refs.
const maxLine = 64 << 10

// blockSize is how many bytes of content move at once.
const blockSize = 256 << 10

// ErrLineTooLong says that the other side sent no newline within maxLine.
var ErrLineTooLong = errors.New("message is too long")

// Conn carries messages and content over a byte stream. Reading and writing
// may be done by two goroutines; it is not safe for more.
type Conn struct {
	r *bufio.Reader
	w *bufio.Writer
}

// NewConn makes a Conn of the two directions.
func NewConn(r io.Reader, w io.Writer) *Conn {
	return &Conn{bufio.NewReaderSize(r, blockSize), bufio.NewWriterSize(w, maxLine)}
}

// Send writes messages and flushes them.
func (c *Conn) Send(list ...Message) error {
	for _, m := range list {
		c.w.WriteString(m.String())
		c.w.WriteByte('\n')
	}
	return c.w.Flush()
}

// Receive reads the next message. io.EOF means that the other side ended
// between two messages. After an ErrUnknownMessage the Conn is still usable.
func (c *Conn) Receive() (Message, error) {
	line, err := c.line()
	if err != nil {
		return Message{}, err
	}
	return Parse(line)
}

func (c *Conn) line() (string, error) {
	var line []byte
	for {
		part, err := c.r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return string(line[:len(line)-1]), nil
		case len(line) > maxLine:
			return "", ErrLineTooLong
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return "", io.ErrUnexpectedEOF
		default:
			return "", err
		}
	}
}

// WriteError is a failure of the place that content goes to, as opposed to one
// of the connection.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *WriteError) Unwrap() error { return e.Err }

// ReceiveData moves n bytes of content to w. An end before that is
// io.ErrUnexpectedEOF. ctx is looked at once per block.
func (c *Conn) ReceiveData(ctx context.Context, w io.Writer, n int64) error {
	buf := make([]byte, min(n, blockSize))
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := c.r.Read(buf[:min(n, int64(len(buf)))])
		if got > 0 {
			n -= int64(got)
			if _, werr := w.Write(buf[:got]); werr != nil {
				return &WriteError{werr}
			}
		}
		if errors.Is(err, io.EOF) && n > 0 {
			return io.ErrUnexpectedEOF
		}
		if err != nil && n > 0 {
			return err
		}
	}
	return nil
}

// ReadError is a failure of the place that content comes from.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return "read content: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.Err }

// SendData announces n bytes and moves them from r. Once announced they must
// all be sent: a reader that fails or ends early makes the Conn useless.
func (c *Conn) SendData(ctx context.Context, r io.Reader, n int64) error {
	if err := c.Send(Message{Verb: Data, Number: n}); err != nil {
		return err
	}
	buf := make([]byte, min(n, blockSize))
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		got, err := r.Read(buf[:min(n, int64(len(buf)))])
		if got > 0 {
			n -= int64(got)
			if _, werr := c.w.Write(buf[:got]); werr != nil {
				return werr
			}
		}
		if n > 0 && err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // shorter than announced
			}
			return &ReadError{err}
		}
	}
	return c.w.Flush()
}
