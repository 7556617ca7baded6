package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// CommandError is a git process that failed.
type CommandError struct {
	Args   []string
	Exit   int // exit code; -1 when ended by a signal
	Stderr string
}

func (e *CommandError) Error() string {
	msg := strings.TrimSpace(e.Stderr)
	if msg == "" {
		msg = fmt.Sprintf("exit code %d", e.Exit)
	}
	return fmt.Sprintf("git %s: %s", subcommand(e.Args), msg)
}

// subcommand skips options such as -c so that messages name the command.
func subcommand(args []string) string {
	for i := 0; i < len(args); i++ {
		if args[i] == "-c" || args[i] == "-C" {
			i++
		} else if !strings.HasPrefix(args[i], "-") {
			return args[i]
		}
	}
	return ""
}

// ExitCode returns the exit code of the git process behind err, 0 for nil,
// and -1 where err is something else.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	var ce *CommandError
	if errors.As(err, &ce) {
		return ce.Exit
	}
	return -1
}

// Output runs git in the work tree and returns its standard output.
func (r *Repo) Output(ctx context.Context, args ...string) ([]byte, error) {
	return r.OutputWith(ctx, nil, args...)
}

// OutputWith is Output with bytes for standard input.
func (r *Repo) OutputWith(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return r.OutputIn(ctx, nil, stdin, args...)
}

// OutputIn is OutputWith with further environment.
func (r *Repo) OutputIn(ctx context.Context, env []string, stdin []byte, args ...string) ([]byte, error) {
	cmd := r.Command(ctx, args...)
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], env...)
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.Bytes(), commandError(err, args, stderr.String())
	}
	return stdout.Bytes(), nil
}

// Command prepares a git process in the work tree, for callers that stream.
// Full object ids are not looked up as ref names too, which would cost a dozen
// calls on the file system for each.
func (r *Repo) Command(ctx context.Context, args ...string) *exec.Cmd {
	env := r.env
	if len(args) > 0 && args[0] == "config" {
		env = append(append([]string{}, env...), "LC_ALL=C") // no locale files to load: every command waits for it
	} else {
		args = append([]string{"-c", "core.warnAmbiguousRefs=false"}, args...)
	}
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = r.WorkTree
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{} // else Go looks at the folder first
	return cmd
}

func commandError(err error, args []string, stderr string) error {
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		return &CommandError{Args: args, Exit: ee.ExitCode(), Stderr: stderr}
	}
	return fmt.Errorf("git %s: %w", subcommand(args), err)
}
