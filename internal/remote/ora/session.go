package ora

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// server is what a shell on the host runs: it answers one request after the
// other, so that no file costs a process of ours or a connection. A request is
// the name of what is wanted and its arguments, each a line of its own; content
// follows only after SEND. Where content could be left over that would be taken
// for requests, it ends.
const server = `LC_ALL=C; export LC_ALL
fail() { printf 'FAIL %s\n' "$(printf %s "$1" | tr '\n' ' ')"; }
open() { ro=; case $(ls -ld -- "$1") in d?-*) ro=$1; chmod u+w -- "$1";; esac; }
shut() { test ! -d "$ro" || chmod u-w -- "$ro"; }
printf 'READY\n'
while IFS= read -r op && IFS= read -r p; do
case $op in
SIZE)
	if test ! -f "$p"; then printf 'ABSENT\n'
	elif n=$(wc -c < "$p"); then printf 'OK %s\n' $((n))
	else fail "$p cannot be read"; fi;;
GET)
	IFS= read -r from || exit 1
	if test ! -f "$p"; then printf 'ABSENT\n'
	elif n=$(wc -c < "$p"); then printf 'OK %s\n' $((n)); tail -c "+$((from + 1))" < "$p"; printf '\nEND\n'
	else fail "$p cannot be read"; fi;;
PUT)
	IFS= read -r tmp && IFS= read -r size && IFS= read -r mode || exit 1
	d=${p%/*}
	if msg=$(mkdir -p -- "${tmp%/*}" "$d" 2>&1); then
		printf 'SEND\n'
		if msg=$({ head -c "$size" > "$tmp" && test "$(wc -c < "$tmp")" -eq "$size" && chmod "$(printf %o $((0$mode & ~0$(umask))))" "$tmp" &&
			open "$d" && { mv -f -- "$tmp" "$p"; moved=$?; shut; test $moved = 0; }; } 2>&1)
		then printf 'OK\n'
		else rm -f -- "$tmp"; fail "${msg:-not all of it has arrived}"; exit 1; fi
	else fail "$msg"; fi;;
REMOVE)
	d=${p%/*}
	ro=; test ! -d "$d" || open "$d"
	if msg=$(rm -f -- "$p" 2>&1); then shut; rmdir -- "$d" "${d%/*}" 2>/dev/null; printf 'OK\n'
	else shut; fail "$msg"; fi;;
*) exit 1;;
esac
done
`

// session is one shell that serves.
type session struct {
	process *proc.Process
	cancel  context.CancelFunc // ends it, whatever it has started
	out     *bufio.Reader
	used    bool // it has served before: the host may have hung up since
	heard   bool // it has answered the present request
	broken  bool
}

// maxAnswer bounds a line of an answer, in bytes.
const maxAnswer = 64 << 10

// sessions are those with one host, as many as are in use at once.
type sessions struct {
	start func() proc.Cmd

	mu     sync.Mutex
	idle   []*session
	closed bool
}

var errClosed = errors.New("the remote is closed")

// with lets talk have a session to itself. One that has died while it was idle
// is replaced.
func (p *sessions) with(ctx context.Context, talk func(s *session) error) error {
	for {
		s, err := p.take(ctx)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { _ = s.process.Kill() })
		err = talk(s)
		if !stop() {
			s.broken = true
			err = context.Cause(ctx)
		}
		again := s.broken && s.used && !s.heard && ctx.Err() == nil
		p.give(s)
		if !again {
			return err
		}
	}
}

func (p *sessions) take(ctx context.Context) (*session, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		s.used, s.heard = true, false
		return s, nil
	}
	p.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	process, err := proc.Start(life, p.start())
	if err != nil {
		cancel()
		return nil, err
	}
	s := &session{process: process, cancel: cancel, out: bufio.NewReaderSize(process.Stdout, maxAnswer)}
	stop := context.AfterFunc(ctx, func() { _ = process.Kill() })
	defer stop()
	// What the host's shell says when somebody logs in comes first.
	for line := ""; line != "READY"; {
		if line, err = s.line(); err != nil {
			if ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			s.end()
			return nil, err
		}
	}
	s.heard = false
	return s, nil
}

func (p *sessions) give(s *session) {
	p.mu.Lock()
	keep := !s.broken && !p.closed
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		s.end()
	}
}

func (p *sessions) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, s := range idle {
		s.end()
	}
}

// endPatience is how long a shell may take to end.
const endPatience = 2 * time.Second

func (s *session) end() {
	timer := time.AfterFunc(endPatience, s.cancel)
	defer timer.Stop()
	if s.broken {
		s.cancel()
	}
	_ = s.process.Close()
	s.cancel()
}

// ask sends a request and returns the rest of an answer that begins with want.
// Errors: remote.ErrAbsent, what went wrong there, and what breaks the session.
func (s *session) ask(want string, request ...string) (rest string, err error) {
	for _, word := range request {
		if strings.ContainsAny(word, "\n\r\x00") {
			return "", fmt.Errorf("%q cannot be named there", word)
		}
	}
	if _, err := io.WriteString(s.process.Stdin, strings.Join(request, "\n")+"\n"); err != nil {
		return "", s.died(err)
	}
	return s.answer(want)
}

func (s *session) answer(want string) (rest string, err error) {
	line, err := s.line()
	if err != nil {
		return "", err
	}
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case want:
		return rest, nil
	case "ABSENT":
		return "", remote.ErrAbsent
	case "FAIL":
		return "", errors.New(strings.TrimSpace(rest))
	}
	s.broken = true
	return "", fmt.Errorf("the host answers nonsense: %.100q", line)
}

func (s *session) line() (string, error) {
	line, err := s.out.ReadSlice('\n')
	if err != nil {
		return "", s.died(err)
	}
	s.heard = true
	return strings.TrimSuffix(string(line), "\n"), nil
}

// died explains in ssh's words why there is no answer.
func (s *session) died(cause error) error {
	s.broken = true
	_ = s.process.Kill()
	timer := time.AfterFunc(endPatience, s.cancel)
	defer timer.Stop()
	var exit *proc.ExitError
	if errors.As(s.process.Wait(), &exit) && exit.Stderr != "" {
		return errors.New(exit.Stderr)
	}
	if errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the connection has ended: %w", cause)
}

// alarm gives a transfer up in which nothing moves for d.
type alarm struct {
	d     time.Duration
	timer *time.Timer
}

// watch returns a context that ends when the alarm has not been reset for d.
func watch(ctx context.Context, d time.Duration) (context.Context, *alarm, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	a := &alarm{d: d}
	a.timer = time.AfterFunc(d, func() { cancel(fmt.Errorf("%w (%s)", remote.ErrStalled, d)) })
	return ctx, a, func() { a.timer.Stop(); cancel(nil) }
}

func (a *alarm) reader(r io.Reader) io.Reader { return alarmReader{r, a} }

type alarmReader struct {
	io.Reader
	a *alarm
}

func (r alarmReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.a.timer.Reset(r.a.d)
	return n, err
}
