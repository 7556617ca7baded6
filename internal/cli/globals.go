package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
)

// globals are the options before the command.
type globals struct {
	config, chdir    []string
	logLevel, format string
	onFailure        choice
	reportStatus     choices
	reportType       choices
	version, help    bool
	ignored          bool
}

func (g *globals) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("global", pflag.ContinueOnError)
	f.SetInterspersed(false)
	f.SortFlags = false
	g.onFailure.allowed = []string{"ignore", "continue", "stop"}
	g.reportStatus.allowed = []string{"success", "failure", "ok", "notneeded", "impossible", "error"}
	g.reportType.allowed = []string{"dataset", "file"}
	f.StringArrayVarP(&g.config, "config", "c", nil, "set `name=value` for this command and its children; :name unsets; repeatable")
	f.StringArrayVarP(&g.chdir, "chdir", "C", nil, "run as if started in `PATH`; repeatable, each relative to the one before")
	f.BoolVar(&g.ignored, "cmd", false, "ends the global options")
	f.StringVarP(&g.logLevel, "log-level", "l", "", "least `LEVEL` of messages: critical, error, warning, info (default), debug, or 1 to 9")
	f.Var(&g.onFailure, "on-failure", "after a failure: `POLICY` ignore, continue, or stop")
	f.Var(&g.reportStatus, "report-status", "show results of this `STATUS` only: success, failure, ok, notneeded, impossible, error")
	f.Var(&g.reportType, "report-type", "show results of this `TYPE` only: dataset, file; repeatable")
	f.StringVarP(&g.format, "output-format", "f", "tailored", "`FORMAT` of results: tailored, generic, json, json_pp, disabled, or a template such as '{path}: {status}'")
	f.BoolVar(&g.ignored, "dbg", false, "accepted and ignored")
	f.BoolVar(&g.ignored, "idbg", false, "accepted and ignored")
	f.BoolVar(&g.version, "version", false, "show the version")
	f.BoolVarP(&g.help, "help", "h", false, "show help")
	f.BoolVar(&g.help, "help-np", false, "show help without a pager")
	for _, name := range []string{"dbg", "idbg", "help-np", "cmd"} {
		f.Lookup(name).Hidden = true
	}
	f.Usage = func() {}
	return f
}

// readGlobals reads the options before the command and returns the rest.
func (a *app) readGlobals(args []string) ([]string, error) {
	f := a.global.flags()
	args, err := expandOptions(f, args, true)
	if err == nil {
		err = f.Parse(args)
	}
	a.usage = a.name + " [global-opts] command [command-opts]"
	if err != nil {
		return nil, usageError(err, false)
	}
	if err := a.enter(a.global.chdir); err != nil {
		return nil, err
	}
	if err := a.readOverrides(a.global.config); err != nil {
		return nil, err
	}
	a.log = slog.New(render.NewLogHandler(a.messages(), a.level, a.color(a.stderr)))
	return f.Args(), a.setLogLevel()
}

// setLogLevel takes -l, or the setting datalad.log.level.
func (a *app) setLogLevel() error {
	text := a.global.logLevel
	if text == "" {
		text = a.overrides.get("datalad.log.level")
	}
	if text == "" {
		return nil
	}
	level, err := render.ParseLevel(text)
	if err != nil {
		return errs.WithExit(err, errs.ExitUsage)
	}
	a.level.Set(level)
	return nil
}

// enter finds the working folder, under the name by which the user reached it,
// and follows the -C options.
func (a *app) enter(dirs []string) error {
	cwd, err := workingFolder(a.getenv("PWD"))
	if err != nil {
		return err
	}
	a.cwd = cwd
	for _, dir := range dirs {
		a.cwd = a.abs(dir)
		if fi, err := os.Stat(a.cwd); err != nil {
			return fmt.Errorf("change folder: %w", err)
		} else if !fi.IsDir() {
			return fmt.Errorf("change folder: %s is no folder", a.cwd)
		}
	}
	a.setenv("PWD", a.cwd)
	return nil
}

func workingFolder(pwd string) (string, error) {
	real, err := os.Getwd()
	if err != nil {
		return "", errs.WithHint(fmt.Errorf("find working folder: %w", err), "the folder may have been deleted; change to another one")
	}
	if filepath.IsAbs(pwd) && filepath.Clean(pwd) == pwd && (pwd == real || sameFolder(pwd, real)) {
		return pwd, nil
	}
	return real, nil
}

// errMissingCommand is the answer to a bare program name.
var errMissingCommand = errs.WithExit(errors.New("too few arguments: no command"), errs.ExitUsage)

// isGlobal reports whether an option belongs before the command.
func isGlobal(option string) bool {
	f := new(globals).flags()
	if name, ok := strings.CutPrefix(option, "--"); ok {
		return f.Lookup(name) != nil
	}
	name := strings.TrimPrefix(option, "-")
	return len(name) == 1 && f.ShorthandLookup(name) != nil
}
