package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/iospec"
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/pyfmt"
	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/runrec"
)

// ForEachOptions say what is executed, and in which datasets.
type ForEachOptions struct {
	Command        []string // one argument is a line of shell, several are quoted
	Select         SubdatasetsOptions
	SubsOnly       bool // not in the dataset itself
	Capture        bool // output goes into the record instead of Stdout and Stderr
	InPwd          bool // all commands run in the user's folder
	Jobs           int  // at most so many at once; 0 and 1: one after another
	Order          ForEachOrder
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// ForEachOrder says what a command waits for where several run at once.
type ForEachOrder int

// The orders of --safe-to-consume.
const (
	OrderByDirection ForEachOrder = iota // after the superdataset; bottom-up: after all subdatasets
	OrderSubsFirst
	OrderSuperFirst
	OrderNone
)

// forEach is one call.
type forEach struct {
	d     *Dataset
	opt   ForEachOptions
	paths []string        // datasets, in order
	here  map[string]bool // those that are installed
	done  map[string]chan struct{}
	out   sync.Mutex
}

// ForEach executes a command in the dataset and in subdatasets, and reports
// one record for each, in the order of the datasets.
func (d *Dataset) ForEach(ctx context.Context, opt ForEachOptions, sink result.Sink) error {
	f := &forEach{d: d, opt: opt, here: map[string]bool{}, done: map[string]chan struct{}{}}
	if err := f.collect(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	records := make([]chan result.Record, len(f.paths))
	slots := make(chan struct{}, max(1, opt.Jobs))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	start := func(i int) {
		records[i] = make(chan result.Record, 1)
		wg.Add(1)
		go func() {
			defer wg.Done()
			records[i] <- f.one(ctx, f.paths[i], slots)
			close(f.done[f.paths[i]])
		}()
	}
	for i := range f.paths {
		if opt.Jobs > 1 {
			start(i)
		}
	}
	for i := range f.paths {
		if opt.Jobs <= 1 {
			start(i)
		}
		select {
		case r := <-records[i]:
			if err := sink.Emit(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// collect lists the datasets.
func (f *forEach) collect(ctx context.Context) error {
	top := !f.opt.SubsOnly && len(f.opt.Select.Contains) == 0
	add := func(path string, here bool) {
		f.paths = append(f.paths, path)
		f.here[path], f.done[path] = here, make(chan struct{})
	}
	if top && !f.opt.Select.BottomUp {
		add(f.d.Path(), true)
	}
	err := f.d.Subdatasets(ctx, f.opt.Select, func(s *Subdataset) error {
		add(s.Abs, s.Present)
		return nil
	})
	if top && f.opt.Select.BottomUp {
		add(f.d.Path(), true)
	}
	return err
}

// one waits for its turn and runs the command in one dataset.
func (f *forEach) one(ctx context.Context, path string, slots chan struct{}) result.Record {
	r := result.New("foreach-dataset", result.OK, path, result.Dataset).With("command", f.opt.Command)
	if !f.here[path] {
		return r.As(result.Impossible).Msg("not installed")
	}
	line, err := f.line(path)
	if err != nil {
		var missing *pyfmt.KeyError
		if errors.As(err, &missing) {
			return r.As(result.Impossible).With("message", result.Tuple{"command has an unrecognized placeholder: %s", pyfmt.Repr(missing.Name)})
		}
		return r.As(result.Impossible).Msg(err.Error())
	}
	f.wait(ctx, path)
	select {
	case slots <- struct{}{}:
	case <-ctx.Done():
		return r.As(result.Error).Msg(ctx.Err().Error())
	}
	defer func() { <-slots }()
	return f.run(ctx, r, line)
}

// wait blocks until the datasets are done that come before.
func (f *forEach) wait(ctx context.Context, path string) {
	order := f.opt.Order
	if order == OrderByDirection {
		order = OrderSuperFirst
		if f.opt.Select.BottomUp {
			order = OrderSubsFirst
		}
	}
	if f.opt.Jobs <= 1 || order == OrderNone {
		return
	}
	for other, done := range f.done {
		first := order == OrderSubsFirst && atOrBelow(other, path) || order == OrderSuperFirst && atOrBelow(path, other)
		if other == path || !first {
			continue
		}
		select {
		case <-done:
		case <-ctx.Done():
			return
		}
	}
}

var attributeNames = strings.NewReplacer("{ds.path}", "{dspath}", "{ds}", "{dspath}", "{refds.path}", "{refds}", "{ds.id}", "{dsid}")

// line makes the shell's line for one dataset. What is filled in is quoted.
func (f *forEach) line(path string) (string, error) {
	command := attributeNames.Replace(runrec.NormalizeCommand(f.opt.Command))
	values := map[string]string{"pwd": f.d.Env.Cwd, "dspath": path, "refds": f.d.Path()}
	if strings.Contains(command, "{tmpdir}") {
		dir, err := os.MkdirTemp("", "datalad-run-")
		if err != nil {
			return "", err
		}
		values["tmpdir"] = dir
	}
	if strings.Contains(command, "{dsid}") {
		sub, done, err := f.open(path)
		if err != nil {
			return "", err
		}
		values["dsid"] = sub.ID
		done()
	}
	filled, err := iospec.FillIn(command, values, true)
	if err != nil {
		return "", err
	}
	return pyfmt.Format(filled, pyfmt.Values(nil))
}

func (f *forEach) open(path string) (*Dataset, func(), error) {
	rel, err := f.d.Rel(path)
	if err != nil {
		return nil, nil, err
	}
	return f.d.at(context.Background(), rel)
}

// run executes the line and completes the record.
func (f *forEach) run(ctx context.Context, r result.Record, line string) result.Record {
	dir := r.Path
	if f.opt.InPwd {
		dir = f.d.Env.Cwd
	}
	var stdout, stderr bytes.Buffer
	cmd := proc.Cmd{Name: "/bin/sh", Args: []string{"-c", line}, Dir: dir, Env: append(f.d.Env.Vars[:len(f.d.Env.Vars):len(f.d.Env.Vars)], "PWD="+dir),
		Stdin: f.opt.Stdin, Stdout: f.shared(f.opt.Stdout), Stderr: f.shared(f.opt.Stderr)}
	if f.opt.Capture {
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
	}
	_, err := proc.Run(ctx, cmd)
	if err == nil {
		return f.captured(r, stdout.String(), stderr.String())
	}
	text := err.Error()
	var failed *proc.ExitError
	if errors.As(err, &failed) {
		text = fmt.Sprintf("CommandError: '%s' failed with exitcode %d under %s", line, failed.Exit, dir)
		if e := stderr.String(); e != "" {
			text += fmt.Sprintf(" [err: '%s']", strings.TrimRight(e, "\n"))
		}
		r = r.With("exit_code", failed.Exit)
	}
	return r.As(result.Error).With("exception", text).With("exception_traceback", "").Msg(text)
}

// shared keeps the writes of several commands apart.
func (f *forEach) shared(w io.Writer) io.Writer {
	if w == nil || f.opt.Jobs <= 1 {
		return w
	}
	return &lockedWriter{mu: &f.out, w: w}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func (f *forEach) captured(r result.Record, stdout, stderr string) result.Record {
	if !f.opt.Capture {
		return r
	}
	r = r.With("stdout", stdout).With("stderr", stderr)
	if stdout+stderr == "" {
		return r
	}
	return r.Msg(shortRepr(pyfmt.Repr(pyfmt.Object{{Key: "stdout", Value: stdout}, {Key: "stderr", Value: stderr}}), 100))
}

// shortRepr cuts a long text as DataLad does in messages.
func shortRepr(text string, limit int) string {
	const tail = 4
	runes := pyfmt.Runes(text)
	if len(runes) <= limit {
		return text
	}
	head := limit - 16
	return fmt.Sprintf("<<%s++%d chars++%s>>", string(runes[:head]), len(runes)-head-tail, string(runes[len(runes)-tail:]))
}

// RelativeTo returns how a dataset is called from a folder, with a slash at
// its end; "" for that folder itself.
func RelativeTo(path, folder string) string {
	rel, err := filepath.Rel(folder, path)
	if err != nil || rel == "." {
		return ""
	}
	return rel + "/"
}
