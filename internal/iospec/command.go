package iospec

import (
	"errors"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/pyfmt"
)

// Values is what the placeholders of a command stand for.
type Values struct {
	Pwd    string // {pwd}, absolute
	DSPath string // {dspath}, absolute
	// TmpDir makes the directory for {tmpdir}. It is called at most once, and
	// only if the command uses it; nil makes the name unknown.
	TmpDir func() (string, error)
	// Inputs and Outputs are the expanded paths, from Globbed.Expand. "." is
	// left out: it means the whole dataset and is no argument.
	Inputs, Outputs []string
	// Substitutions are the configured placeholders
	// (datalad.run.substitutions.NAME). They do not override the names above.
	Substitutions map[string]string
}

// PlaceholderError means that a template cannot be filled in.
type PlaceholderError struct {
	Subject string // "command" or "input/output specification"
	Err     error  // of package pyfmt
}

func (e *PlaceholderError) Error() string {
	var key *pyfmt.KeyError
	if errors.As(e.Err, &key) {
		return e.Subject + " has an unrecognized placeholder: " + key.Error()
	}
	var positional *pyfmt.PositionalError
	if e.Subject == subjectCommand && errors.As(e.Err, &positional) {
		return e.Subject + " cannot be expanded: tuple index out of range"
	}
	return e.Subject + " cannot be expanded: " + e.Err.Error()
}

func (e *PlaceholderError) Unwrap() error { return e.Err }

const (
	subjectCommand = "command"
	subjectSpec    = "input/output specification"
)

// failed turns an error of pyfmt into a *PlaceholderError with advice, and
// leaves others (of TmpDir) alone.
func failed(subject string, err error) error {
	var (
		key        *pyfmt.KeyError
		index      *pyfmt.IndexError
		positional *pyfmt.PositionalError
		kind       *pyfmt.TypeError
		syntax     *pyfmt.SyntaxError
	)
	wrapped := &PlaceholderError{subject, err}
	switch {
	case errors.As(err, &index):
		return errs.WithHint(wrapped, "the first path is {inputs[0]} or {outputs[0]}")
	case errors.As(err, &key), errors.As(err, &positional), errors.As(err, &kind), errors.As(err, &syntax):
		return errs.WithHint(wrapped, "braces that are not a placeholder are written twice: {{ and }}")
	}
	return err
}

// ExpandCommand fills in the placeholders of cmd: {pwd}, {dspath}, {tmpdir},
// {inputs}, {outputs} and the substitutions, in the grammar of pyfmt.Format.
// Every path in {inputs} and {outputs} is quoted for the shell; several are
// joined with blanks, and a format specification applies to each.
//
// Within quotes that are already in the command, paths that need quoting are
// written so that the shell sees them unharmed (DataLad breaks the command).
// Errors are *PlaceholderError or come from v.TmpDir.
func ExpandCommand(cmd string, v Values) (string, error) {
	e := &expander{Values: v, places: places(cmd)}
	out, err := pyfmt.FormatAt(cmd, e.lookup)
	if err != nil {
		return "", failed(subjectCommand, err)
	}
	return out, nil
}

type expander struct {
	Values
	places []place
	tmp    string
}

func (e *expander) lookup(name string, at int) (any, error) {
	switch name {
	case "pwd":
		return e.Pwd, nil
	case "dspath":
		return e.DSPath, nil
	case "inputs":
		return e.paths(e.Inputs, at), nil
	case "outputs":
		return e.paths(e.Outputs, at), nil
	case "tmpdir":
		if e.TmpDir != nil {
			return e.tmpDir()
		}
	}
	if s, ok := e.Substitutions[name]; ok {
		return s, nil
	}
	return nil, pyfmt.ErrUnknown
}

func (e *expander) tmpDir() (any, error) {
	if e.tmp != "" {
		return e.tmp, nil
	}
	var err error
	e.tmp, err = e.TmpDir()
	return e.tmp, err
}

func (e *expander) paths(paths []string, at int) sequence {
	quote := quoting(e.places, at)
	out := sequence{}
	for _, p := range paths {
		if p != "." {
			out = append(out, quote(p))
		}
	}
	return out
}

// sequence formats element by element.
type sequence []string

// FormatField applies spec to each element and joins them with blanks.
func (s sequence) FormatField(spec string) (string, error) {
	parts := make([]string, len(s))
	for i, item := range s {
		var err error
		if parts[i], err = pyfmt.FormatValue(item, spec); err != nil {
			return "", err
		}
	}
	return strings.Join(parts, " "), nil
}
