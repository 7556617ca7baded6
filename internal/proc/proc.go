// Package proc runs other programs: once with captured output, or as
// long-lived children that are spoken to through pipes. A child and everything
// it started die with its context. The package knows nothing of what the
// programs do, and adds nothing to the environment it is given.
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Cmd says what to run.
type Cmd struct {
	Name  string    // program: a path, or a name looked up in this process's PATH
	Args  []string  // without the program itself
	Dir   string    // working folder; "" means the caller's
	Env   []string  // complete environment; nil means the caller's
	Stdin io.Reader // nil means /dev/null; ignored by Start

	// Stdout and Stderr, if set, receive the output of Run instead of Result.
	// The tail of stderr is kept for errors in any case. Both may be the same
	// value only if it is safe for concurrent writes.
	Stdout, Stderr io.Writer

	// Terminal leaves the child in the caller's process group, which it needs to
	// ask for a password on the terminal (ssh, git credentials). When the context
	// ends, the child alone gets SIGTERM, and SIGKILL after five seconds.
	Terminal bool
}

// Result is the outcome of a program that ran to its end.
type Result struct {
	Stdout, Stderr []byte // empty where Cmd names a writer
	Exit           int    // exit code; 128 + signal number if a signal ended it
}

// ExitError says that a program ran and failed.
type ExitError struct {
	Name   string
	Args   []string
	Exit   int    // as in Result
	Signal string // name of the signal that ended it, or ""
	Stderr string // the last few kilobytes, trimmed
}

func (e *ExitError) Error() string {
	how := fmt.Sprintf("exit code %d", e.Exit)
	if e.Signal != "" {
		how = e.Signal
	}
	msg := fmt.Sprintf("%s: %s", commandLine(e.Name, e.Args), how)
	if e.Stderr != "" {
		msg += ": " + e.Stderr
	}
	return msg
}

// maxShown bounds how much of a command line an error shows, in bytes.
const maxShown = 500

// commandLine prints a command for people; words with blanks are quoted.
func commandLine(name string, args []string) string {
	var b strings.Builder
	for i, w := range append([]string{name}, args...) {
		if i > 0 {
			b.WriteByte(' ')
		}
		if w == "" || strings.ContainsAny(w, " \t\n\"'") {
			w = fmt.Sprintf("%q", w)
		}
		b.WriteString(w)
		if b.Len() > maxShown {
			return strings.ToValidUTF8(b.String()[:maxShown], "") + " …"
		}
	}
	return b.String()
}

// Run starts the program and waits for its end. The result is valid also with
// an *ExitError, which is returned for every exit code but 0. If ctx ends
// first, the child's whole process group is killed and the error wraps ctx's.
func Run(ctx context.Context, c Cmd) (Result, error) {
	var out, errOut bytes.Buffer
	tail := &tailBuffer{limit: tailSize}
	cmd := c.prepare(ctx)
	cmd.Stdin = c.Stdin
	cmd.Stdout = orWriter(c.Stdout, &out)
	cmd.Stderr = io.MultiWriter(tail, orWriter(c.Stderr, &errOut))
	err := cmd.Run()
	res := Result{Stdout: out.Bytes(), Stderr: errOut.Bytes()}
	if cmd.ProcessState != nil {
		res.Exit, _ = exitStatus(cmd.ProcessState)
	}
	return res, c.explain(ctx, cmd, err, tail)
}

// prepare makes the child the leader of its own process group, so that one
// signal reaches all that it starts. Terminal children are the exception: the
// system stops other groups that read from the terminal.
func (c Cmd) prepare(ctx context.Context) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Name, c.Args...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	if c.Terminal {
		cmd.Cancel = func() error { return terminate(cmd.Process) }
	} else {
		cmd.SysProcAttr = ownGroup()
		cmd.Cancel = func() error { return killGroup(cmd.Process) }
	}
	// A grandchild that left the group may keep the pipes open for ever.
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// explain turns what exec says into the errors that this package promises.
func (c Cmd) explain(ctx context.Context, cmd *exec.Cmd, err error, tail *tailBuffer) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", commandLine(c.Name, c.Args), context.Cause(ctx))
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("run %s: %w", commandLine(c.Name, c.Args), err)
	}
	code, sig := exitStatus(cmd.ProcessState)
	return &ExitError{Name: c.Name, Args: c.Args, Exit: code, Signal: sig, Stderr: tail.String()}
}

func orWriter(w, fallback io.Writer) io.Writer {
	if w != nil {
		return w
	}
	return fallback
}
