package runrec

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

// Bounds on what is read, since repositories are not trusted.
const (
	MaxSize  = 64 << 20 // bytes of a message, or of an unpacked sidecar
	maxDepth = 100      // levels of JSON
)

// ErrNoRecord means that a message is not that of a run commit.
var ErrNoRecord = errors.New("commit message holds no run record")

// ErrNoCommand means that a record lacks the field "cmd".
const ErrNoCommand = recordError("Looks like a run commit but does not have a command")

type recordError string

func (e recordError) Error() string { return string(e) }

// DamagedError means that a run commit's record cannot be read.
type DamagedError struct {
	Text string
	Err  error // the cause, or nil
}

func (e *DamagedError) Error() string {
	if e.Err == nil {
		return e.Text
	}
	return e.Text + ": " + e.Err.Error()
}

func (e *DamagedError) Unwrap() error { return e.Err }

const notJSON = "cannot rerun command, command specification is not valid JSON"

// parseJSON reads a record, or the string that names a sidecar.
func parseJSON(text string) (rec *Record, sidecar string, err error) {
	if len(text) > MaxSize {
		return nil, "", &DamagedError{Text: fmt.Sprintf("run record is larger than %d bytes", MaxSize)}
	}
	v, err := pyfmt.ParseJSON(text, maxDepth)
	if err != nil {
		return nil, "", &DamagedError{notJSON, err}
	}
	switch v := v.(type) {
	case map[string]any:
		rec, err = fromFields(v)
		return rec, "", err
	case []any:
		return nil, "", ErrNoCommand
	case string:
		if !validID(v) {
			return nil, "", &DamagedError{Text: "run record has the invalid sidecar name " + pyfmt.Repr(v)}
		}
		return nil, v, nil
	}
	return nil, "", &DamagedError{Text: "run record is neither an object nor the name of a sidecar"}
}

// validID reports whether a sidecar name is a plain file name. It comes from a
// commit message and must not lead out of the record directory.
func validID(id string) bool {
	if id == "" || len(id) > 255 || id[0] == '.' {
		return false
	}
	for i := range len(id) {
		if c := id[i]; c == '/' || c == '\\' || c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}

// fromFields takes the known fields out of m and keeps the rest as Extra.
func fromFields(m map[string]any) (*Record, error) {
	if _, ok := m["cmd"]; !ok {
		return nil, ErrNoCommand
	}
	f := fields{m: m}
	rec := &Record{
		Cmd:         f.command("cmd"),
		Chain:       f.list("chain"),
		DSID:        f.text("dsid"),
		Exit:        f.number("exit"),
		ExtraInputs: f.list("extra_inputs"),
		Inputs:      f.list("inputs"),
		Outputs:     f.list("outputs"),
		Pwd:         f.text("pwd"),
		AltDir:      f.optional("alt_dir"),
		SlurmJobID:  f.id("slurm_job_id"),
	}
	if _, ok := m["slurm_outputs"]; ok {
		rec.SlurmOutputs = f.list("slurm_outputs")
	}
	if rec.Pwd == "" {
		rec.Pwd = "."
	}
	if len(m) > 0 {
		rec.Extra = m
	}
	return rec, f.err
}

// fields takes typed values out of an object; the first failure sticks.
type fields struct {
	m   map[string]any
	err error
}

func (f *fields) take(name string) any {
	v := f.m[name]
	delete(f.m, name)
	return v
}

func (f *fields) fail(name, want string) {
	if f.err == nil {
		f.err = &DamagedError{Text: fmt.Sprintf("run record is damaged: field %q is not %s", name, want)}
	}
}

func (f *fields) text(name string) string {
	switch v := f.take(name).(type) {
	case nil:
	case string:
		return v
	default:
		f.fail(name, "a string")
	}
	return ""
}

func (f *fields) optional(name string) *string {
	if f.m[name] == nil {
		delete(f.m, name)
		return nil
	}
	s := f.text(name)
	return &s
}

// list accepts null and a single string, as DataLad does. It never returns nil.
func (f *fields) list(name string) []string {
	out := []string{}
	switch v := f.take(name).(type) {
	case nil:
	case string:
		out = append(out, v)
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				f.fail(name, "a list of strings")
			}
			out = append(out, s)
		}
	default:
		f.fail(name, "a list of strings")
	}
	return out
}

// command accepts the list of arguments that old records have.
func (f *fields) command(name string) string {
	if _, ok := f.m[name].([]any); ok {
		return NormalizeCommand(f.list(name))
	}
	if f.m[name] == nil {
		f.fail(name, "a string")
	}
	return f.text(name)
}

func (f *fields) number(name string) *int {
	switch v := f.take(name).(type) {
	case nil:
	case json.Number:
		if n, err := v.Int64(); err == nil && int64(int32(n)) == n {
			i := int(n)
			return &i
		}
		f.fail(name, "an exit code")
	default:
		f.fail(name, "an exit code")
	}
	return nil
}

func (f *fields) id(name string) string {
	if n, ok := f.m[name].(json.Number); ok {
		f.m[name] = string(n)
	}
	return f.text(name)
}
