package p2p

import (
	"context"
	"errors"
	"io"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// Get moves the content from offset on to w. It reports whether the server
// vouches that it was unmodified; before version 1 that is never known and
// always true. Absent content is ErrAbsent, and more bytes than the key's size
// allows are ErrTooLong; then nothing was written. Errors of w are found as
// *WriteError.
func (c *Client) Get(ctx context.Context, k annexkey.Key, file string, offset int64, w io.Writer) (valid bool, err error) {
	defer c.watch(ctx)()
	m, err := c.ask(Message{Verb: Get, Number: offset, Text: file, Key: k})
	if err == nil && m.Verb != Data {
		c.broken.Store(true)
		err = unexpected(m)
	}
	if err != nil {
		return false, cause(ctx, err)
	}
	if k.Size >= 0 && m.Number > k.Size-offset {
		c.broken.Store(true)
		return false, ErrTooLong
	}
	if err := c.conn.ReceiveData(ctx, w, m.Number); err != nil {
		c.broken.Store(true)
		return false, cause(ctx, err)
	}
	return c.concludeGet(ctx, k, offset, m.Number)
}

// concludeGet reads the server's word on what it sent and acknowledges it.
func (c *Client) concludeGet(ctx context.Context, k annexkey.Key, offset, n int64) (valid bool, err error) {
	valid = true
	if c.version >= 1 {
		if valid, err = c.validity(); err != nil {
			return false, cause(ctx, err)
		}
	}
	answer := Message{Verb: Success}
	if !valid {
		answer.Verb = Failure
	}
	if err := c.conn.Send(answer); err != nil {
		c.broken.Store(true)
	}
	if n == 0 && (!valid || k.Size > offset) {
		return false, ErrAbsent
	}
	return valid, nil
}

func (c *Client) validity() (bool, error) {
	m, err := c.answer()
	if err != nil {
		return false, err
	}
	if m.Verb != Valid && m.Verb != Invalid {
		c.broken.Store(true)
		return false, unexpected(m)
	}
	return m.Verb == Valid, nil
}

// Source is content that Put sends.
type Source interface {
	// From returns the content from offset on and its length in bytes.
	From(offset int64) (io.Reader, int64, error)
	// Unmodified reports, at the end, whether what was read is the content.
	Unmodified() bool
}

// Put sends content to the server, from where a broken transfer ended; content
// that is there already is success. ErrRefused means that the server found the
// content wrong or could not keep it.
func (c *Client) Put(ctx context.Context, k annexkey.Key, file string, src Source) error {
	defer c.watch(ctx)()
	m, err := c.ask(Message{Verb: Put, Text: file, Key: k})
	if err != nil {
		return cause(ctx, err)
	}
	switch m.Verb {
	case AlreadyHave, AlreadyHavePlus:
		return nil
	case PutFrom:
		return cause(ctx, c.send(ctx, m.Number, src))
	}
	c.broken.Store(true)
	return unexpected(m)
}

func (c *Client) send(ctx context.Context, offset int64, src Source) error {
	r, n, err := src.From(offset)
	if err != nil {
		c.broken.Store(true) // it waits for DATA
		return err
	}
	if err := c.conn.SendData(ctx, r, n); err != nil {
		c.broken.Store(true)
		return c.lastWords(err)
	}
	if c.version >= 1 {
		word := Message{Verb: Valid}
		if !src.Unmodified() {
			word.Verb = Invalid
		}
		if err := c.conn.Send(word); err != nil {
			c.broken.Store(true)
			return c.lastWords(err)
		}
	}
	m, err := c.answer()
	if err != nil {
		return err
	}
	switch m.Verb {
	case Success, SuccessPlus:
		return nil
	case Failure, FailurePlus:
		return ErrRefused
	}
	c.broken.Store(true)
	return unexpected(m)
}

// lastWords looks whether a server that hung up said why.
func (c *Client) lastWords(err error) error {
	var own *ReadError
	if errors.As(err, &own) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err // it waits for the rest
	}
	if m, rerr := c.conn.Receive(); rerr == nil && m.Verb == Error {
		return &ServerError{m.Text}
	}
	return err
}
