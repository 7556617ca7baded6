// Package procedure finds and runs procedures: programs that set a dataset up,
// from the user, the machine, a dataset, or built in. They run only where
// somebody asks for one by its name. Names, places and records are DataLad's.
// The package never prints; only the procedure's output goes to the given
// streams.
package procedure

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/run"
)

// Procedure is one that was found.
type Procedure struct {
	Name    string
	Path    string // of its file; "" for one that is built in
	Type    string // bash_script, python_script, executable, builtin; "": not to be executed
	Call    string // template of the shell's line
	Help    string
	builtin bool
}

// Places are where procedures lie apart from datasets.
type Places struct {
	Home   string // the user's home folder
	Config func(key string) []string
}

// Finder looks procedures up for one dataset.
type Finder struct {
	Dataset *dataset.Dataset // nil: none
	Places  Places
}

// folders lists those of the user and the machine.
func (f *Finder) folders() []string {
	get := func(key, def string) []string {
		if list := f.Places.Config(key); len(list) > 0 || def == "" {
			return list
		}
		return []string{def}
	}
	user := ""
	if f.Places.Home != "" {
		user = filepath.Join(f.Places.Home, ".config", "datalad", "procedures")
	}
	list := get("datalad.locations.user-procedures", user)
	list = append(list, get("datalad.locations.system-procedures", "/etc/xdg/datalad/procedures")...)
	return append(list, get("datalad.locations.extra-procedures", "")...)
}

// All lists procedures by that name, or all for "", in the order in which they
// count: those of user and machine, of the dataset, of its subdatasets, and
// those that are built in.
func (f *Finder) All(ctx context.Context, name string) ([]Procedure, error) {
	var list []Procedure
	for _, dir := range f.folders() {
		list = append(list, in(dir, name, f.setting)...)
	}
	if f.Dataset != nil {
		own, err := ofDataset(ctx, f.Dataset, name)
		if err != nil {
			return nil, err
		}
		list = append(list, own...)
	}
	for _, b := range dataset.BuiltinProcedures() {
		if name == "" || name == b {
			list = append(list, Procedure{Name: b, Type: "builtin", Call: "{script} {ds} {args}", builtin: true})
		}
	}
	return list, nil
}

func (f *Finder) setting(key string) string {
	if all := f.Places.Config(key); len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// ofDataset lists what a dataset and those below it bring along. A folder that
// leads out of the dataset is passed over.
func ofDataset(ctx context.Context, d *dataset.Dataset, name string) ([]Procedure, error) {
	list := inDataset(d, name)
	opt := dataset.SubdatasetsOptions{State: "present", Levels: dataset.AllLevels}
	err := d.Subdatasets(ctx, opt, func(s *dataset.Subdataset) error {
		rel, err := d.Rel(s.Abs)
		if err != nil {
			return err
		}
		sub, err := d.Sub(ctx, rel)
		if err != nil {
			return err
		}
		defer sub.Repo.Close()
		list = append(list, inDataset(sub, name)...)
		return nil
	})
	return list, err
}

func inDataset(d *dataset.Dataset, name string) []Procedure {
	dir := d.Config("datalad.locations.dataset-procedures")
	if dir == "" {
		dir = ".datalad/procedures"
	}
	if filepath.IsAbs(dir) || fsx.Beneath(d.Path(), filepath.ToSlash(filepath.Clean(dir))) != nil {
		return nil
	}
	return in(d.Repo.Path(dir), name, d.Config)
}

// in lists the procedures of one folder, sorted.
func in(dir, name string, setting func(string) string) []Procedure {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var list []Procedure
	for _, e := range entries {
		file := e.Name()
		called := strings.TrimSuffix(strings.TrimSuffix(file, ".py"), ".sh")
		if name != "" {
			if file != name && !strings.HasPrefix(file, name+".") {
				continue
			}
			called = name
		}
		if strings.HasPrefix(file, ".") {
			continue
		}
		p := Procedure{Name: called, Path: filepath.Join(dir, file)}
		p.guess()
		if call := setting("datalad.procedures." + called + ".call-format"); call != "" {
			p.Call = call
		}
		p.Help = setting("datalad.procedures." + called + ".help")
		list = append(list, p)
	}
	return list
}

// guess works out how the file is executed.
func (p *Procedure) guess() {
	fi, err := os.Stat(p.Path)
	switch {
	case err != nil || fi.IsDir():
	case strings.HasSuffix(p.Path, ".sh"):
		p.Type, p.Call = "bash_script", "bash {script} {ds} {args}"
	case strings.HasSuffix(p.Path, ".py"):
		p.Type, p.Call = "python_script", "python3 {script} {ds} {args}"
	case fi.Mode()&0o100 != 0:
		p.Type, p.Call = "executable", "{script} {ds} {args}"
	}
}

// Find returns the procedure that a name stands for.
func (f *Finder) Find(ctx context.Context, name string) (Procedure, error) {
	list, err := f.All(ctx, name)
	if err != nil {
		return Procedure{}, err
	}
	if name == "" || len(list) == 0 {
		return Procedure{}, errs.WithHint(fmt.Errorf("Cannot find procedure with name '%s'", name), "`run-procedure --discover` lists those that are known")
	}
	return list[0], nil
}

// Discover reports a record for each procedure.
func (f *Finder) Discover(ctx context.Context, sink result.Sink) error {
	list, err := f.All(ctx, "")
	if err != nil {
		return err
	}
	var active []string
	for _, p := range list {
		if p.Type == "" && p.Call == "" {
			continue
		}
		state, message := "executable", p.Type
		if slices.Contains(active, p.Name) {
			state = "overridden"
			message += " (overridden)"
		}
		active = append(active, p.Name)
		r := f.record("discover_procedure", p).Msg(message).With("state", state).With("procedure_help", textOrNil(p.Help))
		if err := sink.Emit(r); err != nil {
			return err
		}
	}
	return nil
}

func textOrNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (f *Finder) record(action string, p Procedure) result.Record {
	r := result.New(action, result.OK, p.Path, result.File).With("procedure_name", p.Name).
		With("procedure_type", textOrNil(p.Type)).With("procedure_callfmt", textOrNil(p.Call)).With("refds", nil)
	if p.builtin {
		r.Path = "stemma:" + p.Name
	}
	if f.Dataset != nil {
		r = r.Ref(f.Dataset.Path())
	}
	return r
}

// Explain reports a procedure's help text.
func (f *Finder) Explain(ctx context.Context, name string, sink result.Sink) error {
	p, err := f.Find(ctx, name)
	if err != nil {
		return err
	}
	r := f.record("procedure_help", p).With("state", "executable")
	help := p.Help
	if p.builtin {
		help = dataset.BuiltinHelp(p.Name)
	}
	if help == "" {
		return sink.Emit(r.As(result.Impossible).Msg(fmt.Sprintf("No help available for '%s'", name)))
	}
	return sink.Emit(r.Msg(help))
}

// Streams are the procedure's own.
type Streams struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run executes a procedure on the finder's dataset. What it changed is not
// saved, unless it does so itself.
func (f *Finder) Run(ctx context.Context, name string, args []string, streams Streams, sink result.Sink) error {
	p, err := f.Find(ctx, name)
	if err != nil {
		return err
	}
	if p.builtin {
		return f.Dataset.Procedure(ctx, p.Name, sink)
	}
	if p.Call == "" {
		err := fmt.Errorf("No idea how to execute procedure %s. Missing 'execute' permissions?", p.Path)
		return errs.WithHint(err, "chmod +x %s", p.Path)
	}
	line, err := p.line(f.Dataset.Path(), args)
	if err != nil {
		return err
	}
	f.Dataset.Env.Log.Info("Running procedure " + name)
	opt := run.Options{Command: []string{line}, Explicit: true, KeepGoing: true, NoMessageFile: true, AtTop: true,
		Stdin: streams.Stdin, Stdout: streams.Stdout, Stderr: streams.Stderr}
	return run.Run(ctx, f.Dataset, opt, sink)
}

// line fills in the template. What comes from names of files is quoted, and
// stands for itself where run fills in placeholders.
func (p *Procedure) line(ds string, args []string) (string, error) {
	double := strings.NewReplacer("{", "{{", "}", "}}")
	values := map[string]any{
		"script": double.Replace(pyfmt.ShellQuote(p.Path)), "ds": double.Replace(pyfmt.ShellQuote(ds)), "args": pyfmt.ShellJoin(args),
	}
	line, err := pyfmt.Format(p.Call, pyfmt.Values(values))
	if err != nil {
		return "", errs.WithHint(fmt.Errorf("call format of procedure %s: %w", p.Name, err), "known are {script}, {ds} and {args}; write {{ and }} for braces")
	}
	return line, nil
}
