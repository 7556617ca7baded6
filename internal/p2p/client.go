package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// Why a server did not do what it was asked for.
var (
	// ErrAbsent says that the content is not there.
	ErrAbsent = errors.New("content is not there")
	// ErrRefused says that the server answered FAILURE.
	ErrRefused = errors.New("the server refused")
	// ErrTooLong says that the server offers more than the key's size.
	ErrTooLong = errors.New("it offers more bytes than the content has")
)

// ServerError is what a server said in an ERROR message. The connection is
// still usable.
type ServerError struct{ Text string }

func (e *ServerError) Error() string { return "the server says: " + e.Text }

// Client asks one server over one connection. It is used by one goroutine at a
// time, except for Close and Broken.
type Client struct {
	conn      *Conn
	transport io.Closer
	uuid      string
	version   int
	broken    atomic.Bool
}

// NewClient greets the server, which speaks first. transport ends both
// directions when it is closed; that happens when a context ends while an
// answer is waited for, and when NewClient fails.
func NewClient(ctx context.Context, r io.Reader, w io.Writer, transport io.Closer) (*Client, error) {
	c := &Client{conn: NewConn(r, w), transport: transport}
	defer c.watch(ctx)()
	if err := c.greet(); err != nil {
		c.Close()
		return nil, cause(ctx, err)
	}
	return c, nil
}

func (c *Client) greet() error {
	m, err := c.conn.Receive()
	switch {
	case err != nil:
		return fmt.Errorf("greeting: %w", err)
	case m.Verb == Error:
		return &ServerError{m.Text}
	case m.Verb != AuthSuccess:
		return fmt.Errorf("greeting: unexpected %s", m.Verb)
	}
	c.uuid = strings.TrimSpace(m.Text)
	if m, err = c.ask(Message{Verb: Version, Number: MaxVersion}); err != nil {
		var old *ServerError
		if errors.As(err, &old) {
			return nil // it knows no versions: 0
		}
		return err
	}
	if m.Verb != Version || m.Number > MaxVersion {
		return unexpected(m)
	}
	c.version = int(m.Number)
	return nil
}

// UUID is the repository that the server says it is.
func (c *Client) UUID() string { return c.uuid }

// Version is the protocol version that both sides speak.
func (c *Client) Version() int { return c.version }

// Broken reports whether the connection can no longer be used.
func (c *Client) Broken() bool { return c.broken.Load() }

// Close ends the connection.
func (c *Client) Close() error {
	c.broken.Store(true)
	return c.transport.Close()
}

// watch closes the transport when ctx ends, for reads and writes cannot be
// interrupted otherwise. The caller defers what it returns.
func (c *Client) watch(ctx context.Context) (stop func()) {
	end := context.AfterFunc(ctx, func() { c.Close() })
	return func() { end() }
}

// cause prefers the reason for which a context ended over what that led to.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func unexpected(m Message) error { return fmt.Errorf("unexpected answer %s", m.Verb) }

// ask sends and receives one message. Everything but a ServerError ends the
// use of the connection.
func (c *Client) ask(m Message) (Message, error) {
	err := c.conn.Send(m)
	if err != nil {
		c.broken.Store(true)
		return Message{}, err
	}
	return c.answer()
}

func (c *Client) answer() (Message, error) {
	m, err := c.conn.Receive()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		c.broken.Store(true)
		return m, err
	}
	if m.Verb == Error {
		return m, &ServerError{m.Text}
	}
	return m, nil
}

// yesOrNo asks what is answered by SUCCESS or FAILURE.
func (c *Client) yesOrNo(ctx context.Context, m Message) (bool, error) {
	defer c.watch(ctx)()
	a, err := c.ask(m)
	if err == nil {
		switch a.Verb {
		case Success, SuccessPlus:
			return true, nil
		case Failure, FailurePlus:
			return false, nil
		}
		c.broken.Store(true)
		err = unexpected(a)
	}
	return false, cause(ctx, err)
}

// Present asks whether the server has the content and nobody is dropping it.
func (c *Client) Present(ctx context.Context, k annexkey.Key) (bool, error) {
	return c.yesOrNo(ctx, Message{Verb: CheckPresent, Key: k})
}

// Lock keeps the content from being dropped until Unlock, or the end of the
// connection. Meanwhile nothing else can be asked. ErrRefused if the content
// is not there or is being dropped.
func (c *Client) Lock(ctx context.Context, k annexkey.Key) error {
	ok, err := c.yesOrNo(ctx, Message{Verb: LockContent, Key: k})
	if err == nil && !ok {
		err = ErrRefused
	}
	return err
}

// Unlock ends a Lock.
func (c *Client) Unlock() error {
	err := c.conn.Send(Message{Verb: UnlockContent})
	if err != nil {
		c.broken.Store(true)
	}
	return err
}

// Remove deletes content on the server; content that is not there is success.
func (c *Client) Remove(ctx context.Context, k annexkey.Key) error {
	return c.remove(ctx, Message{Verb: Remove, Key: k})
}

// RemoveBefore is Remove that the server refuses after the deadline, by its own
// clock (see Clock). Only from version 3.
func (c *Client) RemoveBefore(ctx context.Context, k annexkey.Key, deadline int64) error {
	return c.remove(ctx, Message{Verb: RemoveBefore, Key: k, Number: deadline})
}

func (c *Client) remove(ctx context.Context, m Message) error {
	ok, err := c.yesOrNo(ctx, m)
	if err == nil && !ok {
		err = ErrRefused
	}
	return err
}

// Clock is the server's monotonic time in seconds. Only from version 3.
func (c *Client) Clock(ctx context.Context) (int64, error) {
	defer c.watch(ctx)()
	m, err := c.ask(Message{Verb: GetTimestamp})
	if err == nil && m.Verb != Timestamp {
		c.broken.Store(true)
		err = unexpected(m)
	}
	return m.Number, cause(ctx, err)
}
