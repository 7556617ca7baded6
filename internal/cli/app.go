package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/jobs/jobdb"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/screen"
)

// app is one invocation: its surroundings, its global options, and what it
// has opened so far.
type app struct {
	name, version  string // of the program
	face           string // the name by which it was called
	env            []string
	cwd            string // absolute, as the user reached it
	stdin          io.Reader
	stdout, stderr io.Writer
	global         globals
	overrides      overrides
	level          *slog.LevelVar
	log            *slog.Logger
	command        string           // that runs, "" before
	usage          string           // its synopsis
	results        *render.Renderer // nil until the command reports
	hooks          *hookRunner      // nil where no result can start a command
	line           *progressLine    // nil where the command shows none
	transfers      *transfers       // nil where nobody watches
	data           *dataset.Dataset // nil until opened
}

func newApp(name, version string, env []string, stdin io.Reader, stdout, stderr io.Writer) *app {
	a := &app{name: name, face: name, version: version, env: env, stdin: stdin, stdout: stdout, stderr: stderr, level: new(slog.LevelVar)}
	if a.name != "datalad" {
		a.name = "stemma"
	}
	if a.version == "" {
		a.version = "unknown"
	}
	a.log = slog.New(render.NewLogHandler(stderr, a.level, false))
	return a
}

// getenv returns a variable's value; the last of several counts.
func (a *app) getenv(name string) string {
	for i := len(a.env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(a.env[i], name+"="); ok {
			return v
		}
	}
	return ""
}

// setenv replaces a variable for this process's own use and its children.
func (a *app) setenv(name, value string) {
	kept := make([]string, 0, len(a.env)+1)
	for _, kv := range a.env {
		if !strings.HasPrefix(kv, name+"=") {
			kept = append(kept, kv)
		}
	}
	a.env = append(kept, name+"="+value)
}

// dsEnv is what the packages below get to know of the surroundings.
func (a *app) dsEnv() dataset.Env {
	env := dataset.Env{Vars: a.env, Cwd: a.cwd, Log: a.log, Closer: jobdb.CloseCommitted}
	if a.transfers != nil {
		env.Progress = a.transfers
	}
	return env
}

// abs makes a path that the user typed absolute.
func (a *app) abs(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(a.cwd, path)
}

// open opens the dataset that -d names, or the one that holds the working
// folder. purpose completes "No dataset found … for the purpose".
func (a *app) open(ctx context.Context, named, purpose string) (*dataset.Dataset, error) {
	dir, exact, err := a.datasetDir(ctx, named, purpose)
	if err != nil {
		return nil, err
	}
	d, err := dataset.Open(ctx, dir, purpose, a.dsEnv())
	if err != nil {
		return nil, err
	}
	if exact && !sameFolder(d.Path(), dir) {
		err := &dataset.NoDatasetError{Dir: dir, Purpose: purpose}
		return nil, errs.WithExit(errs.WithHint(err, "it lies in the dataset %s", d.Path()), errs.ExitUsage)
	}
	d.Settle(ctx)
	a.data = d
	return d, nil
}

// datasetDir resolves the argument of -d: "^" is the topmost dataset above the
// working folder, "^." the one that holds it, "///" the default one.
func (a *app) datasetDir(ctx context.Context, named, purpose string) (dir string, exact bool, err error) {
	switch named {
	case "", "^.":
		return a.cwd, false, nil
	case "^":
		dir, err = a.topmost(ctx, purpose)
		return dir, false, err
	case "///":
		dir = a.overrides.get("datalad.locations.default-dataset")
		if dir == "" {
			dir = filepath.Join(a.getenv("HOME"), "datalad")
		}
		return dir, true, nil
	}
	return a.abs(named), true, nil
}

// topmost climbs from dataset to dataset.
func (a *app) topmost(ctx context.Context, purpose string) (string, error) {
	d, err := dataset.Open(ctx, a.cwd, purpose, a.dsEnv())
	if err != nil {
		return "", err
	}
	for {
		above, err := dataset.Open(ctx, filepath.Dir(d.Path()), purpose, a.dsEnv())
		var none *dataset.NoDatasetError
		if errors.As(err, &none) || err == nil && above.Path() == d.Path() {
			return d.Path(), nil
		}
		if err != nil {
			return "", err
		}
		d = above
	}
}

func sameFolder(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// report begins the output of results. policy is the command's own answer to
// failures, for which --on-failure has the last word; tailored may be nil.
func (a *app) report(policy render.OnFailure, tailored *render.Tailored) (result.Sink, error) {
	opt := render.Options{
		OnFailure: policy, Tailored: tailored, TTY: screen.IsTerminal(a.stdout), Color: a.color(a.stdout),
		ReportStatus: a.global.reportStatus.values, ReportType: a.global.reportType.values,
	}
	if opt.TTY {
		opt.SimilarThreshold = a.similarThreshold()
	}
	if p := a.global.onFailure.value; p != "" {
		opt.OnFailure = render.OnFailure(p)
	}
	r, err := render.New(a.stdout, a.global.format, opt)
	if err != nil {
		return nil, err
	}
	a.results = r
	return a.withHooks(r), nil
}

// reportList is report for a list that comes at once.
func (a *app) reportList(policy render.OnFailure, tailored *render.Tailored) (result.Sink, error) {
	sink, err := a.report(policy, tailored)
	if err == nil && a.hooks == nil {
		a.results.Gather()
	}
	return sink, err
}

// machine reports whether the results are read by a program.
func (a *app) machine() bool {
	return a.global.format == "json" || a.global.format == "json_pp"
}

// human reports whether the results are shown in the command's own way.
func (a *app) human() bool { return a.global.format == "tailored" }

// hasTerminal reports whether this process has a controlling terminal, whatever
// its streams are: ssh asks for passwords there.
func hasTerminal() bool {
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}
