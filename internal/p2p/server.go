package p2p

import (
	"context"
	"errors"
	"io"

	"github.com/stemma-data/stemma/internal/annexkey"
)

// Access is how much a client may do.
type Access int

// Rights, from most to least.
const (
	ReadWrite  Access = iota
	AppendOnly        // content is taken, none is removed
	ReadOnly
)

// git-annex's words.
const (
	textReadOnly   = "this repository is read-only; write access denied"
	textAppendOnly = "this repository is append-only; removal denied"
)

// Repository is what a Server serves. Keys that come from the client have not
// been checked for being Safe.
type Repository interface {
	// Present reports whether the content is there and not about to go.
	Present(ctx context.Context, k annexkey.Key) (bool, error)
	// Lock keeps the content from being dropped. Any error is a refusal.
	Lock(ctx context.Context, k annexkey.Key) (Lock, error)
	// Remove deletes the content, if there is any. Right before that, under all
	// locks, it asks still, whose error ends the removal.
	Remove(ctx context.Context, k annexkey.Key, still func() error) error
	// Open returns content from offset on. Any error means that there is none.
	Open(ctx context.Context, k annexkey.Key, offset int64) (Outgoing, error)
	// Receive prepares for content. It returns nil where it is there already.
	Receive(ctx context.Context, k annexkey.Key) (Incoming, error)
}

// Lock is content that is kept in its place.
type Lock interface {
	// Release ends it. clean is false where the client vanished without a word:
	// it may still rely on the content for a while.
	Release(clean bool)
}

// Outgoing is content that is being read.
type Outgoing interface {
	io.ReadCloser
	Size() int64      // bytes to come
	Unmodified() bool // whether what was read is still the content
}

// Incoming is content that is being received.
type Incoming interface {
	io.Writer
	Offset() int64 // bytes that are there from before
	// Finish verifies the content and makes it part of the repository.
	Finish(ctx context.Context) error
	// Close ends it; content that is not finished is kept for the next attempt.
	Close() error
}

// Server answers one client.
type Server struct {
	UUID   string // of the repository
	Repo   Repository
	Access Access
	// Clock is a monotonic time in seconds.
	Clock func() int64
	// Service runs git-upload-pack or git-receive-pack for CONNECT and returns
	// its exit code; nil refuses.
	Service func(ctx context.Context, name string, in io.Reader, out io.Writer) (int, error)
	// Watch waits until refs change and names them; nil refuses.
	Watch func(ctx context.Context) (refs string, err error)

	conn    *Conn
	version int64
}

// errEnd says that the session is over without an error.
var errEnd = errors.New("session ended")

// Serve greets the client and answers until it goes away.
func (s *Server) Serve(ctx context.Context, r io.Reader, w io.Writer) error {
	s.conn = NewConn(r, w)
	if err := s.conn.Send(Message{Verb: AuthSuccess, Text: s.UUID}); err != nil {
		return err
	}
	for {
		m, err := s.conn.Receive()
		switch {
		case errors.Is(err, ErrUnknownMessage):
			err = s.say(Error, ErrUnknownMessage.Error())
		case errors.Is(err, io.EOF):
			return nil
		case err == nil:
			err = s.handle(ctx, m)
		}
		if errors.Is(err, errEnd) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

func (s *Server) say(v Verb, text string) error { return s.conn.Send(Message{Verb: v, Text: text}) }

// verdict answers SUCCESS or FAILURE.
func (s *Server) verdict(ok bool) error {
	if ok {
		return s.say(Success, "")
	}
	return s.say(Failure, "")
}

func (s *Server) handle(ctx context.Context, m Message) error {
	switch m.Verb {
	case Version:
		s.version = min(m.Number, MaxVersion)
		return s.conn.Send(Message{Verb: Version, Number: s.version})
	case CheckPresent:
		return s.present(ctx, m.Key)
	case LockContent:
		return s.lock(ctx, m.Key)
	case Get:
		return s.get(ctx, m)
	case Put:
		return s.put(ctx, m)
	case Remove, RemoveBefore:
		return s.remove(ctx, m)
	case GetTimestamp:
		return s.conn.Send(Message{Verb: Timestamp, Number: s.Clock()})
	case Bypass:
		return nil // we relay to nobody
	case Connect:
		return s.connect(ctx, m.Text)
	case NotifyChange:
		return s.watch(ctx)
	case Error:
		return errEnd
	}
	return s.say(Error, "unexpected command")
}

func (s *Server) present(ctx context.Context, k annexkey.Key) error {
	ok, err := s.Repo.Present(ctx, k)
	return s.verdict(ok && err == nil)
}

// lock holds the content until the client says otherwise.
func (s *Server) lock(ctx context.Context, k annexkey.Key) error {
	l, err := s.Repo.Lock(ctx, k)
	if err != nil {
		return s.verdict(false)
	}
	clean := false
	defer func() { l.Release(clean) }()
	if err := s.verdict(true); err != nil {
		return err
	}
	m, err := s.next()
	if err != nil {
		return err
	}
	clean = true
	if m.Verb != UnlockContent {
		return s.say(Error, "expected UNLOCKCONTENT")
	}
	return nil
}

// next receives the message that the one before asks for; one that is unknown
// is as good as any other that does not fit.
func (s *Server) next() (Message, error) {
	m, err := s.conn.Receive()
	if errors.Is(err, ErrUnknownMessage) {
		return Message{}, nil
	}
	return m, err
}

// errLate says that a removal came after its deadline.
var errLate = errors.New("the deadline has passed")

func (s *Server) remove(ctx context.Context, m Message) error {
	switch s.Access {
	case ReadOnly:
		return s.say(Error, textReadOnly)
	case AppendOnly:
		return s.say(Error, textAppendOnly)
	}
	still := func() error {
		if m.Verb == RemoveBefore && s.Clock() >= m.Number {
			return errLate
		}
		return ctx.Err()
	}
	return s.verdict(s.Repo.Remove(ctx, m.Key, still) == nil)
}

func (s *Server) get(ctx context.Context, m Message) error {
	out, err := s.Repo.Open(ctx, m.Key, m.Number)
	if err != nil {
		err = s.conn.SendData(ctx, nil, 0)
	} else {
		defer out.Close()
		err = s.conn.SendData(ctx, out, out.Size())
	}
	if err != nil {
		return err
	}
	if s.version >= 1 {
		word := Invalid
		if out != nil && out.Unmodified() {
			word = Valid
		}
		if err := s.say(word, ""); err != nil {
			return err
		}
	}
	// The client's verdict changes nothing here.
	if m, err = s.next(); err == nil && m.Verb != Success && m.Verb != Failure {
		return s.say(Error, "expected SUCCESS or FAILURE")
	}
	return err
}

func (s *Server) put(ctx context.Context, m Message) error {
	if s.Access == ReadOnly {
		return s.say(Error, textReadOnly)
	}
	in, err := s.Repo.Receive(ctx, m.Key)
	if err != nil {
		return s.say(Error, err.Error())
	}
	if in == nil {
		return s.say(AlreadyHave, "")
	}
	defer in.Close()
	if err := s.conn.Send(Message{Verb: PutFrom, Number: in.Offset()}); err != nil {
		return err
	}
	ok, err := s.take(ctx, m.Key, in)
	if errors.Is(err, errNoData) {
		return s.say(Error, err.Error())
	}
	if err != nil {
		return err
	}
	return s.verdict(ok && in.Finish(ctx) == nil)
}

// errNoData says that another message came in the place of content: nothing is
// lost, and the session goes on.
var errNoData = errors.New("expected DATA")

// take receives the content; ok is the client's word for it. An error is one
// after which the two sides no longer agree on what comes next.
func (s *Server) take(ctx context.Context, k annexkey.Key, in Incoming) (ok bool, err error) {
	m, err := s.conn.Receive()
	if err != nil && (m.Verb == Data || !errors.Is(err, ErrUnknownMessage)) {
		return false, err // after a DATA without a length content follows, which is no message
	}
	if m.Verb != Data {
		return false, errNoData
	}
	if k.Size >= 0 && m.Number > k.Size-in.Offset() {
		return false, errors.Join(errEnd, s.say(Error, "more bytes than the content has"))
	}
	if err := s.conn.ReceiveData(ctx, in, m.Number); err != nil {
		var mine *WriteError
		if errors.As(err, &mine) {
			err = errors.Join(errEnd, s.say(Error, mine.Error()))
		}
		return false, err
	}
	if s.version < 1 {
		return true, nil
	}
	m, err = s.next()
	return m.Verb == Valid, err
}
