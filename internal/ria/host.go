package ria

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stemma-data/stemma/internal/proc"
)

// Host is the machine that a store, or a repository, lies on.
type Host interface {
	// Script runs a POSIX shell script with arguments $1, $2, … and returns
	// what it prints.
	Script(ctx context.Context, script string, args ...string) (string, error)
}

// ScriptError is a script that failed: Exit is its exit code.
type ScriptError struct {
	Exit   int
	Stderr string
}

func (e *ScriptError) Error() string {
	if e.Stderr == "" {
		return fmt.Sprintf("exit code %d", e.Exit)
	}
	return e.Stderr
}

// Here is this machine.
type Here struct{ Env []string }

// Script implements Host.
func (h Here) Script(ctx context.Context, script string, args ...string) (string, error) {
	return run(ctx, proc.Cmd{Name: "/bin/sh", Args: append([]string{"-c", script, "sh"}, args...), Dir: "/", Env: h.Env, Terminal: true})
}

// SSH is another machine. The user's own configuration of ssh holds.
type SSH struct {
	Host string // [USER@]HOST[:PORT]
	Env  []string
}

// Script implements Host. The script goes over the line as one word, and each
// argument too, quoted for the shell at the other end.
func (h SSH) Script(ctx context.Context, script string, args ...string) (string, error) {
	host, port := splitPort(h.Host)
	if host == "" || strings.HasPrefix(host, "-") || strings.ContainsAny(host, " \t\n") {
		return "", fmt.Errorf("ssh: %q is no host", h.Host)
	}
	words := []string{"sh", "-c", Quote(script), "sh"}
	for _, a := range args {
		words = append(words, Quote(a))
	}
	name, opts := "ssh", []string{}
	for _, kv := range h.Env {
		if v, ok := strings.CutPrefix(kv, "GIT_SSH="); ok && v != "" {
			name = v
		}
	}
	if port != "" {
		opts = append(opts, "-p", port)
	}
	return run(ctx, proc.Cmd{Name: name, Args: append(opts, host, strings.Join(words, " ")), Env: h.Env, Terminal: true})
}

func splitPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") || strings.Trim(host[i+1:], "0123456789") != "" {
		return host, ""
	}
	return host[:i], host[i+1:]
}

// Quote makes one word of s for a POSIX shell.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func run(ctx context.Context, c proc.Cmd) (string, error) {
	res, err := proc.Run(ctx, c)
	var exit *proc.ExitError
	if errors.As(err, &exit) {
		return string(res.Stdout), &ScriptError{exit.Exit, exit.Stderr}
	}
	return string(res.Stdout), err
}

// HostOf returns the machine that the URL leads to, for URLs that can be
// written to.
func HostOf(u URL, env []string) (Host, error) {
	switch u.Scheme {
	case "file":
		return Here{env}, nil
	case "ssh":
		return SSH{u.Host, env}, nil
	}
	return nil, fmt.Errorf("RIA store %s: over %s it can only be read", u.Store(), u.Scheme)
}

// ReadRemote returns at most limit bytes of a file at the URL's host.
func ReadRemote(ctx context.Context, u URL, env []string, file string, limit int) (string, error) {
	h, err := HostOf(u, env)
	if err != nil {
		return "", err
	}
	return h.Script(ctx, `head -c "$2" < "$1"`, file, fmt.Sprint(limit))
}
