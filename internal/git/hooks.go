package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/proc"
)

// HookError says that a hook refused.
type HookError struct {
	Hook, Output string
	Exit         int
}

func (e *HookError) Error() string {
	msg := fmt.Sprintf("the %s hook refused (exit code %d)", e.Hook, e.Exit)
	if out := strings.TrimSpace(e.Output); out != "" {
		msg += ": " + out
	}
	return msg
}

// Hook returns the path of an executable hook, or "".
func (r *Repo) Hook(name string) string {
	dir := r.Config.Get("core.hookspath")
	switch {
	case dir == "":
		dir = filepath.Join(r.CommonDir, "hooks")
	case strings.HasPrefix(dir, "~/"):
		dir = filepath.Join(r.getenv("HOME"), dir[2:])
	case !filepath.IsAbs(dir):
		dir = r.Path(dir) // git runs hooks in the work tree's top
	}
	path := filepath.Join(dir, name)
	fi, err := os.Stat(path)
	if err != nil || fi.IsDir() || fi.Mode()&0o111 == 0 {
		return ""
	}
	return path
}

// RunHook runs a hook as git does, in the work tree's top, with further
// environment. A refusal is a *HookError.
func (r *Repo) RunHook(ctx context.Context, name string, env []string, args ...string) error {
	path := r.Hook(name)
	if path == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = r.WorkTree
	cmd.Env = append(append(append([]string{}, r.env...), "GIT_EDITOR=:", "GIT_PREFIX="), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		return &HookError{Hook: name, Output: out.String(), Exit: ee.ExitCode()}
	}
	if err != nil {
		return fmt.Errorf("run the %s hook: %w", name, err)
	}
	return nil
}

// Shell runs a command line that the user has configured, by the shell, in the work
// tree's top. A failure is a *proc.ExitError.
func (r *Repo) Shell(ctx context.Context, line string) error {
	_, err := proc.Run(ctx, proc.Cmd{Name: "/bin/sh", Args: []string{"-c", line}, Dir: r.WorkTree, Env: r.env})
	return err
}
