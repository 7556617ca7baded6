// Package result defines what every operation reports: one record per item
// (a file, a dataset, a job). Records are data; how they look on a terminal,
// as JSON, and which exit code they add up to is the render package's business.
package result

import "errors"

// Status is the outcome of one item.
type Status string

// The closed set of outcomes, as in DataLad's result records.
const (
	OK         Status = "ok"
	NotNeeded  Status = "notneeded"
	Impossible Status = "impossible"
	Error      Status = "error"
)

// Failed reports whether s counts as a failure (impossible or error).
func (s Status) Failed() bool { return s == Impossible || s == Error }

// Values of Record.Type.
const (
	File    = "file"
	Symlink = "symlink"
	Dir     = "directory"
	Dataset = "dataset"
	Sibling = "sibling"
	KeyType = "key"
)

// Record is the outcome of one item. Empty strings are left out of JSON.
type Record struct {
	Action string
	Status Status
	Path   string // absolute
	Type   string
	// Fields holds everything else, by its DataLad name: "refds" (absolute
	// path of the reference dataset), "parentds", "message" (a string or a
	// Tuple), "error_message", "exit_code" (int), "key", … A nil value is
	// printed as JSON null. Values are those that package pyfmt can print.
	Fields map[string]any
}

// Tuple is a message that is formatted late: a %-format and its arguments.
// Human output applies the format; JSON shows the list, as DataLad does.
type Tuple []any

// New returns a record without further fields.
func New(action string, status Status, path, typ string) Record {
	return Record{Action: action, Status: status, Path: path, Type: typ}
}

// With returns r with one more field set. The receiver is not changed.
func (r Record) With(name string, value any) Record {
	fields := make(map[string]any, len(r.Fields)+1)
	for k, v := range r.Fields {
		fields[k] = v
	}
	fields[name] = value
	r.Fields = fields
	return r
}

// Ref sets "refds", the dataset that human output shows paths relative to.
func (r Record) Ref(ds string) Record { return r.With("refds", ds) }

// As returns r with another status.
func (r Record) As(s Status) Record {
	r.Status = s
	return r
}

// Msg sets "message".
func (r Record) Msg(m string) Record { return r.With("message", m) }

// String returns the field as a string, or "" if it is absent or no string.
func (r Record) String(name string) string {
	s, _ := r.Fields[name].(string)
	return s
}

// ErrStop is returned by a Sink when the operation shall end at once because
// an item failed and the caller asked to stop at the first failure. The
// operation returns it unchanged; it is no failure of its own.
var ErrStop = errors.New("stopped at the first failure")

// Sink receives records in the order in which they become known. Emit is
// called from one goroutine at a time. An error (ErrStop, or a failed write)
// ends the operation, which returns that error.
type Sink interface {
	Emit(Record) error
}

// SinkFunc makes a function a Sink.
type SinkFunc func(Record) error

// Emit calls f.
func (f SinkFunc) Emit(r Record) error { return f(r) }

// Discard is a Sink that forgets everything.
var Discard Sink = SinkFunc(func(Record) error { return nil })

// Collector keeps all records, for tests and for commands that post-process.
type Collector struct{ Records []Record }

// Emit appends r.
func (c *Collector) Emit(r Record) error {
	c.Records = append(c.Records, r)
	return nil
}
