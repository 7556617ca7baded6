// Package annexshell is git-annex-shell: the program that a git-annex client
// starts on the host of a repository, by ssh and perhaps as a login shell, to
// read and change that repository's annex. Which commands there are, what the
// administrator may forbid by GIT_ANNEX_SHELL_… variables and how it all looks
// follows git-annex. What it is handed comes from another machine and is not
// trusted.
package annexshell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/p2p"
	"github.com/stemma-data/stemma/internal/proc"
)

// Call is one start of the program.
type Call struct {
	Args           []string // without the program's name
	Env            []string // KEY=VALUE
	Host           string   // for the description of a new annex
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

const exitFailure = 1

// usage follows git-annex's.
const usage = `git-annex-shell: bad parameters

Usage: git-annex-shell [-c] command [parameters ...] [option ...]

Plumbing commands:

configlist    DIRECTORY          outputs relevant git configuration
dropkey       DIRECTORY KEY ...  drops annexed content for specified keys
inannex       DIRECTORY KEY ...  checks if keys are present in the annex
notifychanges DIRECTORY          sends notification when git refs are changed
p2pstdio      DIRECTORY UUID     communicate in P2P protocol over stdio
`

// errUsage says that the command line makes no sense.
var errUsage = errors.New("bad parameters")

// exit is an error that only gives an exit code.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Run plays the program and returns its exit code.
func Run(ctx context.Context, c Call) int {
	err := (&shell{Call: c}).run(ctx)
	var code exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, errUsage):
		io.WriteString(c.Stderr, usage)
	default:
		fmt.Fprintf(c.Stderr, "git-annex-shell: %v\n", err)
	}
	return exitFailure
}

type shell struct{ Call }

// run finds out in which of its forms the program was called. As a login shell
// it gets one string, which holds the whole command line.
func (s *shell) run(ctx context.Context) error {
	args := s.Args
	for len(args) > 0 && args[0] == "-c" {
		args = args[1:]
	}
	if len(args) == 0 {
		return errUsage
	}
	if line, ok := strings.CutPrefix(args[0], "git-annex-shell "); ok && len(args) == 1 {
		words, err := split(line)
		if err != nil {
			return err
		}
		if args = words; len(args) == 0 {
			return errUsage
		}
	}
	cmd, known := commands()[args[0]]
	if !known {
		return s.external(ctx, args)
	}
	return s.builtin(ctx, cmd, args[0], args[1:])
}

// command is one of the program's own.
type command struct {
	run  func(s *shell, ctx context.Context, r request) error
	most p2p.Access // the least right with which it may run
}

func commands() map[string]command {
	return map[string]command{
		"configlist":    {(*shell).configList, p2p.ReadOnly},
		"inannex":       {(*shell).inAnnex, p2p.ReadOnly},
		"notifychanges": {(*shell).notifyChanges, p2p.ReadOnly},
		"p2pstdio":      {(*shell).p2pStdio, p2p.ReadOnly}, // looks at the rights itself
		"dropkey":       {(*shell).dropKey, p2p.ReadWrite},
		"gcryptsetup":   {unsupported("gcryptsetup"), p2p.ReadWrite},
		"recvkey":       {unsupported("recvkey"), p2p.AppendOnly},
		"sendkey":       {unsupported("sendkey"), p2p.ReadOnly},
	}
}

func unsupported(name string) func(*shell, context.Context, request) error {
	return func(*shell, context.Context, request) error {
		return fmt.Errorf("%s serves gcrypt remotes, which Stemma does not support; install git-annex on this host", name)
	}
}

// request is what a command is asked for.
type request struct {
	dir    string // as it was given
	params []string
	uuid   string // --uuid: the repository that the client expects
	force  bool
	fields map[string]string
}

// builtin checks the rights and runs one of the program's own commands.
func (s *shell) builtin(ctx context.Context, cmd command, name string, args []string) error {
	r, err := parse(args)
	if err != nil {
		return err
	}
	if s.access() > cmd.most {
		return fmt.Errorf("Action blocked by %s", s.blocking())
	}
	if err := s.checkDirectory(r.dir); err != nil {
		return err
	}
	return cmd.run(s, ctx, r)
}

// parse separates parameters, options and the fields between two "--".
func parse(args []string) (request, error) {
	r := request{fields: map[string]string{}}
	if len(args) == 0 {
		return r, errUsage
	}
	r.dir, args = args[0], args[1:]
	if i := slices.Index(args, "--"); i >= 0 {
		for _, word := range args[i+1:] {
			if word == "--" {
				break
			}
			if name, value, ok := strings.Cut(word, "="); ok {
				r.fields[name] = value
			}
		}
		args = args[:i]
	}
	for i := 0; i < len(args); i++ {
		switch word := args[i]; {
		case word == "--uuid" && i+1 < len(args):
			i++
			r.uuid = args[i]
		case strings.HasPrefix(word, "--uuid="):
			r.uuid = strings.TrimPrefix(word, "--uuid=")
		case word == "--force":
			r.force = true
		case strings.HasPrefix(word, "-"): // --debug and the like
		default:
			r.params = append(r.params, word)
		}
	}
	return r, nil
}

// external hands a command of git-shell's on to it: git-upload-pack and its
// kin. git-shell knows which it may run.
func (s *shell) external(ctx context.Context, args []string) error {
	line := args[0]
	if len(args) > 1 {
		line = quote(args)
	}
	words, err := split(line)
	if err != nil || len(words) == 0 {
		return errUsage
	}
	if err := s.checkDirectory(words[len(words)-1]); err != nil {
		return err
	}
	if s.getenv("GIT_ANNEX_SHELL_LIMITED") != "" {
		return errors.New("Action blocked by GIT_ANNEX_SHELL_LIMITED")
	}
	_, err = proc.Run(ctx, proc.Cmd{
		Name: "git-shell", Args: []string{"-c", line}, Env: s.Env, Stdin: s.Stdin, Stdout: s.Stdout, Stderr: s.Stderr, Terminal: true,
	})
	var failed *proc.ExitError
	if errors.As(err, &failed) {
		return errors.New("git-shell failed")
	}
	return err
}

func (s *shell) getenv(name string) string {
	for i := len(s.Env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(s.Env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// access is what the administrator allows.
func (s *shell) access() p2p.Access {
	switch {
	case s.getenv("GIT_ANNEX_SHELL_READONLY") != "":
		return p2p.ReadOnly
	case s.getenv("GIT_ANNEX_SHELL_APPENDONLY") != "":
		return p2p.AppendOnly
	}
	return p2p.ReadWrite
}

// blocking names the variable that takes rights away.
func (s *shell) blocking() string {
	if s.access() == p2p.ReadOnly {
		return "GIT_ANNEX_SHELL_READONLY"
	}
	return "GIT_ANNEX_SHELL_APPENDONLY"
}

// checkDirectory keeps to the one folder that the administrator allows.
func (s *shell) checkDirectory(dir string) error {
	only := s.getenv("GIT_ANNEX_SHELL_DIRECTORY")
	if only == "" || dir != "" && sameDir(s.absolute(only), s.absolute(dir)) {
		return nil
	}
	if dir == "" {
		return fmt.Errorf("Only allowed to access %s and could not determine directory from command line", only)
	}
	return fmt.Errorf("Only allowed to access %s not %s", only, dir)
}

// sameDir compares the folders that the paths lead to, links followed, so that
// a link inside the allowed folder's parent opens no other one.
func sameDir(a, b string) bool {
	ra, errA := filepath.EvalSymlinks(a)
	rb, errB := filepath.EvalSymlinks(b)
	return errA == nil && errB == nil && ra == rb
}

// absolute resolves a folder as git-annex does: "~/x", "/~/x" and relative ones
// start at the home folder.
func (s *shell) absolute(dir string) string {
	home := s.getenv("HOME")
	for _, prefix := range []string{"/~/", "~/"} {
		if rest, ok := strings.CutPrefix(dir, prefix); ok {
			return filepath.Join(home, rest)
		}
	}
	if dir == "~" || dir == "/~" {
		return home
	}
	if filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return filepath.Join(home, dir)
}
