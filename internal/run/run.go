// Package run executes commands in a dataset and records them: run executes
// one and commits what it changed with a machine-actionable record, rerun
// executes recorded ones again. Records, messages and results are DataLad's.
// The package talks to no scheduler and never prints for itself; only the
// command's own output goes to the given streams.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// Which names the specifications that an option applies to.
type Which string

// The values of --expand and --assume-ready.
const (
	None    Which = ""
	Inputs  Which = "inputs"
	Outputs Which = "outputs"
	Both    Which = "both"
)

func (w Which) has(other Which) bool { return w == other || w == Both }

// Options describe one execution.
type Options struct {
	Command     []string // one argument is a shell string, several are quoted
	Inputs      []string // as typed, relative to the folder of execution
	ExtraInputs []string
	Outputs     []string
	Expand      Which
	AssumeReady Which
	Fields      map[string]any // more keys of the record
	Explicit    bool           // save the outputs only; no look at anything else
	Message     string         // title of the commit; "" for the shortened command
	DryRun      string         // "", "basic" or "command"
	Sidecar     *bool          // record in a file of its own; nil: as configured
	Jobs        int
	// KeepGoing saves and records although the command failed
	// (--on-failure ignore or continue).
	KeepGoing bool
	AtTop     bool // run in the top folder instead of the user's
	// NoMessageFile says that a failure leaves no message for a later commit.
	NoMessageFile bool

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Terminal leaves the command in our process group, which it needs to talk to
	// a terminal; an interrupt from there reaches all of it. Without one the
	// command leads a group of its own, which ends as a whole when we are told to.
	Terminal bool

	// For rerun. again means that the command runs in pwd, that rerun has
	// looked for unsaved changes, and that a failure leaves no message file.
	again        bool
	pwd          string // relative to the top
	chain        []string
	expectedExit *int
	extraOutputs []string // relative to the top: unlocked, not recorded
	extra        map[string]any
}

// task is one execution under way.
type task struct {
	d   *dataset.Dataset
	opt Options

	within  string // names the execution
	pwd     string // absolute
	relPwd  string // relative to the top
	cmd     string // not expanded
	shell   string // expanded
	inputs  *iospec.Globbed
	extra   *iospec.Globbed
	outputs *iospec.Globbed
	specs   [3][]string // inputs, extra inputs, outputs with substitutions
	record  *runrec.Record
	before  gitobj.OID // HEAD before the command
	base    gitobj.OID // the same on the branch that an adjusted one was made of
	branch  string     // full ref that was checked out then; "" if none
}

// Run executes a command and saves what it changed.
func Run(ctx context.Context, d *dataset.Dataset, opt Options, sink result.Sink) error {
	if len(opt.Command) == 0 || len(opt.Command) == 1 && opt.Command[0] == "" {
		d.Env.Log.Warn("No command given")
		return nil
	}
	if opt.Fields != nil {
		opt.extra = opt.Fields
	}
	t := &task{d: d, opt: opt, cmd: runrec.NormalizeCommand(opt.Command)}
	if err := t.locate(); err != nil {
		return err
	}
	if !opt.Explicit && !opt.again {
		if dirty, err := t.refuseDirty(ctx, "run", sink); dirty || err != nil {
			return err
		}
	}
	if err := t.expand(); err != nil {
		return t.impossible(err, sink)
	}
	if err := t.checkOutputs(); err != nil {
		return sink.Emit(result.New("run", result.Impossible, d.Path(), result.Dataset).Msg(err.Error()))
	}
	if opt.DryRun != "" {
		return t.dryRun(sink)
	}
	if ok, err := t.prepare(ctx, sink); !ok || err != nil {
		return err
	}
	return t.execute(ctx, sink)
}

// checkOutputs refuses outputs that could not be saved, before anything runs.
func (t *task) checkOutputs() error {
	for _, p := range t.outputs.Paths() {
		rel, err := t.d.Rel(t.abs(p))
		if err == nil && t.opt.Explicit {
			err = fsx.Beneath(t.d.Path(), rel)
		}
		if err != nil {
			return fmt.Errorf("output %s: %w", p, err)
		}
	}
	return nil
}

// locate finds the folder of execution: the user's, or the recorded one.
func (t *task) locate() error {
	if t.opt.again {
		t.relPwd = t.opt.pwd
		t.pwd = t.d.Repo.Path(t.opt.pwd)
		if _, err := t.d.Rel(t.pwd); err != nil {
			return fmt.Errorf("run: the recorded folder %s: %w", t.opt.pwd, err)
		}
		return nil
	}
	if t.opt.AtTop {
		t.pwd, t.relPwd = t.d.Path(), "."
		return nil
	}
	rel, err := t.d.Rel(t.d.Env.Cwd)
	if err != nil {
		return fmt.Errorf("run: the current folder %s: %w", t.d.Env.Cwd, err)
	}
	t.pwd, t.relPwd = t.d.Env.Cwd, rel
	return nil
}

const dirtyMessage = "clean dataset required to detect changes from command; use `datalad status` to inspect unsaved changes"

// refuseDirty reports a dataset with unsaved changes, other than what running
// jobs are writing.
func (t *task) refuseDirty(ctx context.Context, action string, sink result.Sink) (bool, error) {
	return RefuseDirty(ctx, t.d, action, sink)
}

// RefuseDirty emits an impossible result if the dataset has unsaved changes.
func RefuseDirty(ctx context.Context, d *dataset.Dataset, action string, sink result.Sink) (bool, error) {
	clean, err := d.IsClean(ctx)
	if err != nil || clean {
		return false, err
	}
	return true, sink.Emit(result.New(action, result.Impossible, d.Path(), result.Dataset).Msg(dirtyMessage))
}

func (t *task) impossible(err error, sink result.Sink) error {
	var p *iospec.PlaceholderError
	if !errors.As(err, &p) {
		return err
	}
	r := result.New("run", result.Impossible, t.d.Path(), result.Dataset).Msg(err.Error())
	var key *pyfmt.KeyError
	if errors.As(err, &key) {
		r = r.With("message", result.Tuple{p.Subject + " has an unrecognized placeholder: %s", key.Error()})
	}
	return sink.Emit(r)
}

const substitutionPrefix = "datalad.run.substitutions."

// Substitutions returns the configured placeholders.
func Substitutions(d *dataset.Dataset) map[string]string {
	m := map[string]string{}
	for _, key := range d.ConfigKeys(substitutionPrefix) {
		m[strings.TrimPrefix(key, substitutionPrefix)] = d.Config(key)
	}
	return m
}

// expand fills in placeholders and globs, and makes the command for the shell.
func (t *task) expand() error {
	subst := Substitutions(t.d)
	given := iospec.SpecValues{Inputs: t.opt.Inputs, ExtraInputs: t.opt.ExtraInputs, Outputs: t.opt.Outputs, Substitutions: subst}
	for i, specs := range [][]string{t.opt.Inputs, t.opt.ExtraInputs, t.opt.Outputs} {
		var err error
		if t.specs[i], err = iospec.ExpandSpecs(specs, given); err != nil {
			return err
		}
	}
	t.inputs = iospec.New(t.specs[0], t.pwd)
	t.extra = iospec.New(t.specs[1], t.pwd)
	t.outputs = iospec.New(t.specs[2], t.pwd)
	return t.expandCommand(subst)
}

func (t *task) expandCommand(subst map[string]string) (err error) {
	t.shell, err = iospec.ExpandCommand(t.cmd, iospec.Values{
		Pwd: t.pwd, DSPath: t.d.Path(), TmpDir: t.tmpDir(),
		Inputs: t.inputs.Expand(), Outputs: t.outputs.Expand(), Substitutions: subst,
	})
	return err
}
