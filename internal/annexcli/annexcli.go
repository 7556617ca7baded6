// Package annexcli is git-annex's command line: it reads the options of its
// commands, calls the packages below, and prints what they report as git-annex
// prints it, for people or as JSON. It serves both `stemma annex COMMAND` and
// the program under the name git-annex. It decides nothing about data.
package annexcli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/screen"
)

// CompatibleWith is the version of git-annex whose command line this is.
const CompatibleWith = "10.20230126"

// Call is one invocation of the program.
type Call struct {
	Args           []string
	Env            []string // KEY=VALUE
	Dir            string   // the user's folder, absolute
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Version        string // of this program, for people
	Log            *slog.Logger
	// Self is an executable that answers git under the name git-annex.
	Self string
}

// command is one command of git-annex.
type command struct {
	name, args, short string
	// make declares the options and returns what runs with them.
	make func(f *pflag.FlagSet) func(c *call, args []string) error
}

// misuse is an error after which the usage is shown.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

// Main runs one command line and returns the exit code.
func Main(in Call) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c := &call{Call: in, ctx: ctx}
	err := c.run()
	if c.s != nil {
		err = errors.Join(err, c.s.Release())
	}
	if c.d != nil {
		c.d.Close()
	}
	return c.conclude(err)
}

// run finds the command, reads its options and runs it.
func (c *call) run() error {
	args, err := c.leadingOptions(c.Args)
	if err != nil {
		return err
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		return c.help(args)
	}
	if args[0] == "--version" {
		args[0] = "version"
	}
	i := slices.IndexFunc(commands(), func(k command) bool { return k.name == args[0] })
	if i < 0 {
		return misuse{fmt.Errorf("Invalid argument `%s'", args[0])}
	}
	c.command = commands()[i]
	f := pflag.NewFlagSet(c.command.name, pflag.ContinueOnError)
	f.SortFlags, f.Usage = false, func() {}
	act := c.command.make(f)
	c.common.flags(f, c.command.name)
	if err := f.Parse(args[1:]); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return c.usage(c.Stdout, f)
		}
		return misuse{fmt.Errorf("Invalid option: %w", err)}
	}
	if err := errors.Join(refuseUnsupported(f), c.common.refuse(c.command.name)); err != nil {
		return err
	}
	if err := c.common.limits.start(c.command.name, f, time.Now()); err != nil {
		return err
	}
	c.common.json = c.common.json || c.common.jsonErrors || c.common.jsonProgress
	c.out = newPrinter(c.Stdout, c.Stderr, c.common)
	for _, kv := range c.common.config {
		if err := c.setConfig(kv); err != nil {
			return err
		}
	}
	if c.common.force {
		if err := c.setConfig("annex.diskreserve=" + remote.NoReserve); err != nil {
			return err
		}
	}
	return act(c, f.Args())
}

// leadingOptions takes the options before the command.
func (c *call) leadingOptions(args []string) ([]string, error) {
	for len(args) > 1 {
		switch {
		case args[0] == "-c":
			if err := c.setConfig(args[1]); err != nil {
				return nil, err
			}
			args = args[2:]
		case strings.HasPrefix(args[0], "-c") && strings.Contains(args[0], "="):
			if err := c.setConfig(args[0][2:]); err != nil {
				return nil, err
			}
			args = args[1:]
		default:
			return args, nil
		}
	}
	return args, nil
}

// setConfig hands a setting to git and everything below in git's own way.
func (c *call) setConfig(kv string) error {
	key, value, ok := strings.Cut(kv, "=")
	if !ok || !strings.Contains(key, ".") {
		return misuse{fmt.Errorf("Invalid option `-c %s'", kv)}
	}
	n, err := strconv.Atoi(c.getenv("GIT_CONFIG_COUNT"))
	if err != nil || n < 0 {
		n = 0
	}
	c.setenv("GIT_CONFIG_KEY_"+strconv.Itoa(n), key)
	c.setenv("GIT_CONFIG_VALUE_"+strconv.Itoa(n), value)
	c.setenv("GIT_CONFIG_COUNT", strconv.Itoa(n+1))
	return nil
}

func (c *call) getenv(name string) string {
	for i := len(c.Env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(c.Env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

func (c *call) setenv(name, value string) {
	c.Env = slices.DeleteFunc(slices.Clone(c.Env), func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	c.Env = append(c.Env, name+"="+value)
}

// conclude turns the end of a command into messages and an exit code.
func (c *call) conclude(err error) int {
	failed, errOut := 0, screen.Filter(c.Stderr)
	if c.out != nil {
		failed = c.out.failed
		if ferr := c.out.flush(); err == nil && ferr != nil && !errors.Is(ferr, syscall.EPIPE) {
			err = ferr
		}
	}
	var unknown *annexcmd.UnknownPathError
	var bad misuse
	switch {
	case errors.As(err, &unknown):
		fmt.Fprintln(errOut, unknown.Error())
		failed += len(unknown.Paths)
	case errors.As(err, &bad):
		fmt.Fprintf(errOut, "%v\n\nUsage: git-annex COMMAND\n", bad.error)
		return errs.ExitFailure
	case errors.Is(err, errSilent):
		return errs.ExitCode(err)
	case err != nil && c.ctx.Err() != nil:
		fmt.Fprintln(errOut, "git-annex: interrupted")
		return 130
	case err != nil:
		fmt.Fprintf(errOut, "git-annex: %v\n", err)
		if h := errs.Hint(err); h != "" {
			fmt.Fprintln(errOut, "hint: "+h)
		}
		return errs.ExitCode(err)
	}
	if failed > 0 {
		fmt.Fprintf(errOut, "%s: %d failed\n", c.command.name, failed)
		return errs.ExitFailure
	}
	if c.common.limits.reached {
		return exitLimited
	}
	return 0
}

// errSilent ends a command with an exit code that says everything.
var errSilent = errors.New("")

func exit(code int) error { return errs.WithExit(errSilent, code) }

// open opens the repository that holds the user's folder.
func (c *call) open() error {
	if c.d != nil {
		return nil
	}
	if err := c.checkClock(); err != nil {
		return err
	}
	env := dataset.Env{Vars: c.Env, Cwd: c.Dir, Log: c.Log, Told: c.out.told}
	d, err := dataset.Open(c.ctx, c.Dir, "git-annex", env)
	if err != nil {
		d, err = c.openBare(env, err)
	}
	var none *dataset.NoDatasetError
	if errors.As(err, &none) {
		return errs.WithHint(errors.New("Not in a git repository."), "go to a folder of one, or make one with `git init`")
	}
	if err != nil {
		return err
	}
	c.d = d
	if !c.asks() {
		d.LinkGitFolder()
	}
	if !c.byGit() {
		d.Settle(c.ctx)
	}
	return nil
}

// byGit reports whether git runs the command while it works on the index.
func (c *call) byGit() bool {
	return slices.Contains([]string{"filter-process", "smudge", "pre-commit", "post-receive"}, c.command.name)
}

// asks reports whether the command changes nothing.
func (c *call) asks() bool {
	return slices.ContainsFunc(queryCommands(), func(k command) bool { return k.name == c.command.name })
}

// openBare opens the user's folder as a repository without a work tree, after
// there was none with one.
func (c *call) openBare(env dataset.Env, cause error) (*dataset.Dataset, error) {
	repo, err := git.OpenAt(c.ctx, c.Dir, git.Options{Env: c.Env})
	if err != nil || !repo.Bare {
		return nil, cause
	}
	return dataset.From(repo, env)
}

// session opens the repository's annex.
func (c *call) session() (*annexcmd.Session, error) {
	if c.s != nil {
		return c.s, nil
	}
	if err := c.open(); err != nil {
		return nil, err
	}
	settings := annexcmd.Settings{Force: c.common.force, Fast: c.common.fast, Auto: c.common.auto, Jobs: c.jobs(), NumCopies: c.common.numCopies, MinCopies: c.common.minCopies, Trust: c.trusts()}
	c.limit(&settings)
	s, err := annexcmd.Open(c.ctx, c.d, settings)
	if err != nil {
		return nil, err
	}
	s.Report = c.out.print
	s.Progress = c.out.progress
	c.s = s
	return s, nil
}

// recorded runs fn in a session that is complete afterwards, whatever fn says.
func (c *call) recorded(fn func(s *annexcmd.Session) error) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	if err := c.checkTrust(s); err != nil {
		return err
	}
	err = fn(s)
	c.out.recording(s.Changed())
	return errors.Join(err, s.Close(c.ctx))
}

// reading is recorded for commands that read logs: they see what was fetched
// and what waits in the journal.
func (c *call) reading(fn func(s *annexcmd.Session) error) error {
	s, err := c.session()
	if err != nil {
		return err
	}
	if err := s.Sync(c.ctx); err != nil {
		return err
	}
	return c.recorded(fn)
}
