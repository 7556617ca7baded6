package p2p

import (
	"context"
	"errors"
	"io"
)

// connect runs one of git's services and ends the session with its exit code.
func (s *Server) connect(ctx context.Context, service string) error {
	switch {
	case service != "git-upload-pack" && service != "git-receive-pack" || s.Service == nil:
		return s.say(Error, "unexpected command")
	case service == "git-receive-pack" && s.Access != ReadWrite:
		return s.say(Error, textReadOnly) // a push can overwrite and delete refs, and so what AppendOnly keeps
	}
	in, feed := io.Pipe()
	go func() { feed.CloseWithError(s.unwrap(ctx, feed)) }()
	exit, err := s.Service(ctx, service, in, frames{ctx, s.conn})
	in.Close()
	if err != nil {
		return err
	}
	return errors.Join(errEnd, s.conn.Send(Message{Verb: ConnectDone, Number: int64(exit)}))
}

// unwrap hands over what the client sends in DATA messages, until it says that
// it is done.
func (s *Server) unwrap(ctx context.Context, to io.Writer) error {
	for {
		m, err := s.conn.Receive()
		if err != nil {
			return err
		}
		if m.Verb != Data {
			return nil
		}
		if err := s.conn.ReceiveData(ctx, to, m.Number); err != nil {
			return err
		}
	}
}

// frames sends each write as a DATA message.
type frames struct {
	ctx  context.Context
	conn *Conn
}

func (f frames) Write(p []byte) (int, error) {
	if err := f.conn.Send(Message{Verb: Data, Number: int64(len(p))}); err != nil {
		return 0, err
	}
	n, err := f.conn.w.Write(p)
	return n, errors.Join(err, f.conn.w.Flush())
}

// watch answers NOTIFYCHANGE once something has changed.
func (s *Server) watch(ctx context.Context) error {
	if s.Watch == nil {
		return s.say(Error, "unexpected command")
	}
	refs, err := s.Watch(ctx)
	if err != nil {
		return err
	}
	return s.say(Changed, refs)
}
