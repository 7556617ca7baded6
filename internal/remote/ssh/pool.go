package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/p2p"
	"github.com/stemma-data/stemma/internal/proc"
)

// connection is one session with git-annex-shell on the host.
type connection struct {
	*p2p.Client
	process *proc.Process
	used    bool // it has served before: the host may have hung up since
}

// alive reports whether the session still stands and is silent, as it must be
// while nothing is asked.
func (c *connection) alive() bool { return !c.Broken() && silent(c.process.Stdout) }

// silent reports whether nothing can be read from the pipe, not even its end.
func silent(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return true
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, perr := unix.Poll(fds, 0)
		quiet = perr == nil && n == 0
	})
	return err == nil && quiet
}

// pool keeps sessions for further use. There are as many as are in use at once.
type pool struct {
	life    context.Context // of all processes
	end     context.CancelFunc
	dialing sync.Mutex // one log-in after the other: hosts refuse crowds
	dial    func(ctx context.Context, life context.Context) (*connection, error)

	mu     sync.Mutex
	idle   []*connection
	closed bool
}

var errClosed = errors.New("the remote is closed")

// take returns an idle session, or a new one.
func (p *pool) take(ctx context.Context) (*connection, error) {
	if c := p.pop(); c != nil {
		return c, nil
	}
	p.dialing.Lock()
	defer p.dialing.Unlock()
	if c := p.pop(); c != nil { // came back while others logged in
		return c, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	if closed {
		return nil, errClosed
	}
	return p.dial(ctx, p.life)
}

func (p *pool) pop() *connection {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if c.alive() {
			c.used = true
			return c
		}
		c.Close()
	}
	return nil
}

// give takes a session back; a broken one is ended.
func (p *pool) give(c *connection) {
	p.mu.Lock()
	keep := !p.closed && c.alive()
	if keep {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	if !keep {
		c.Close()
	}
}

// close ends all idle sessions. The far end notices by the end of its input and
// writes down what it has to; that is waited for.
func (p *pool) close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	var ending sync.WaitGroup
	for _, c := range idle {
		ending.Go(func() { finish(c.process, endPatience) })
	}
	ending.Wait()
	p.end()
	return nil
}

// endPatience is how long the far end may take to end by itself.
const endPatience = 10 * time.Second

// start runs git-annex-shell on the host and greets it.
func start(ctx, life context.Context, cmd proc.Cmd) (*connection, error) {
	process, err := proc.Start(life, cmd)
	if err != nil {
		return nil, err
	}
	c := &connection{process: process}
	stop := context.AfterFunc(ctx, func() { _ = process.Kill() })
	defer stop()
	t := &transport{process: process, patience: endPatience}
	c.Client, err = p2p.NewClient(ctx, process.Stdout, process.Stdin, t)
	if err != nil {
		return nil, explain(ctx, process, err)
	}
	t.patience = 0
	return c, nil
}

// transport ends the process that carries a session.
type transport struct {
	process  *proc.Process
	patience time.Duration // for a process that may have something to say
	once     sync.Once
}

// Close implements io.Closer.
func (t *transport) Close() error {
	t.once.Do(func() { finish(t.process, t.patience) })
	return nil
}

// finish lets the process end by itself for a while, and ends it then.
func finish(p *proc.Process, patience time.Duration) {
	if patience > 0 {
		timer := time.AfterFunc(patience, func() { _ = p.Kill() })
		defer timer.Stop()
		_ = p.Wait()
	} else {
		_ = p.Kill()
	}
	_ = p.Close()
}

// explain says in ssh's words why there was no session.
func explain(ctx context.Context, process *proc.Process, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var exit *proc.ExitError
	if !errors.As(process.Wait(), &exit) {
		return err
	}
	if exit.Exit == commandNotFound {
		return errs.WithHint(fmt.Errorf("there is no git-annex-shell on that host: %s", exit.Stderr),
			"install git-annex there, or Stemma under the name git-annex-shell")
	}
	if exit.Stderr != "" {
		return fmt.Errorf("%s (exit code %d)", exit.Stderr, exit.Exit)
	}
	return fmt.Errorf("%w (ssh ended with exit code %d)", err, exit.Exit)
}

// commandNotFound is the shell's exit code.
const commandNotFound = 127
