package proc

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// Process is a running child with pipes. Reading and writing may be done by
// two goroutines; who does both in one must keep the pipes from filling up.
type Process struct {
	Stdin  io.WriteCloser
	Stdout io.Reader

	spec Cmd
	ctx  context.Context
	cmd  *exec.Cmd
	tail *tailBuffer
	out  *os.File
	once sync.Once
	err  error
}

// Start runs the program with pipes at its stdin and stdout. Cmd.Stdin and
// Cmd.Stdout are ignored. Stderr goes to Cmd.Stderr, if set; its tail is kept
// for the error of Wait. When ctx ends, the process group is killed. The caller
// must call Wait or Close.
func Start(ctx context.Context, c Cmd) (*Process, error) {
	p := &Process{spec: c, ctx: ctx, tail: &tailBuffer{limit: tailSize}}
	p.cmd = c.prepare(ctx)
	p.cmd.Stderr = p.tail
	if c.Stderr != nil {
		p.cmd.Stderr = io.MultiWriter(p.tail, c.Stderr)
	}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	// Our own pipe, because Wait closes exec's before the reader is done.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	p.cmd.Stdout = w
	err = p.cmd.Start()
	w.Close()
	if err != nil {
		r.Close()
		in.Close()
		return nil, fmt.Errorf("start %s: %w", commandLine(c.Name, c.Args), err)
	}
	p.Stdin, p.Stdout, p.out = in, r, r
	return p, nil
}

// PID is the child's process id, which is also its process group unless it
// shares the terminal.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the child at once, with its process group unless it shares ours.
// Wait must still be called.
func (p *Process) Kill() error {
	if p.spec.Terminal {
		return p.cmd.Process.Kill()
	}
	return killGroup(p.cmd.Process)
}

// Stderr returns the tail of what the child has written to stderr so far.
func (p *Process) Stderr() string { return p.tail.String() }

// Wait closes the child's stdin and waits for its end. Unread output stays
// readable until Close. The error is as for Run. It may be called repeatedly.
func (p *Process) Wait() error {
	p.once.Do(func() {
		p.Stdin.Close()
		p.err = p.spec.explain(p.ctx, p.cmd, p.cmd.Wait(), p.tail)
	})
	return p.err
}

// Close closes both pipes, which ends a well-behaved batch process, and waits.
// A child that dies of the closed pipe counts as ended well only if it had
// nothing more to say; callers that need its verdict read to the end and Wait.
func (p *Process) Close() error {
	p.Stdin.Close()
	p.out.Close()
	return p.Wait()
}
