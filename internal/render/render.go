// Package render shows result records to people and programs: as lines on a
// terminal, as JSON, or through the user's template; and adds them up to the
// exit code. The forms are those of DataLad's result renderers. It writes to
// the writers it is given and knows nothing of commands, flags or repositories.
package render

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/result"
)

// OnFailure says what a failed record does to the operation.
type OnFailure string

// The policies of --on-failure. The empty value means Continue.
const (
	Ignore   OnFailure = "ignore"   // go on, exit 0
	Continue OnFailure = "continue" // go on, exit non-zero at the end
	Stop     OnFailure = "stop"     // end the operation at the first failure
)

// Options are the circumstances of one command.
type Options struct {
	Color bool // colour the lines
	TTY   bool // the writer is a terminal: control characters are made visible
	// SimilarThreshold is the number of consecutive similar lines after which
	// further ones are counted instead of shown; 0 shows all.
	SimilarThreshold int
	// ReportStatus and ReportType, where not empty, limit what is shown and
	// summed up. The status names "success" and "failure" stand for two each.
	// Neither changes the exit code.
	ReportStatus, ReportType []string
	OnFailure                OnFailure
	// Tailored is the command's own way of showing records; it applies to the
	// format "tailored" only. Nil means that of "generic".
	Tailored *Tailored
}

// Summary says when the action summary is printed.
type Summary int

// The choices for Tailored.Summary.
const (
	SummaryNever  Summary = iota
	SummaryAuto           // where more than one result was counted
	SummaryAlways         // also for none or one
)

// EmptyLine is what Tailored.Line returns to have an empty line shown.
const EmptyLine = "\x00"

// Tailored is a command's own renderer for people.
type Tailored struct {
	// Line returns the text for a record (one or more lines, without the last
	// newline; "" for none) and true, or false to have the generic line. Nil
	// means always the generic line.
	Line func(result.Record) (string, bool)
	// Rewrite, if not nil, changes a record before its generic line is made.
	Rewrite func(result.Record) result.Record
	// End, if not nil, returns text to print after all records ("" for none).
	End     func() string
	Summary Summary
}

// Renderer is a result.Sink that prints every record. It is for one goroutine
// at a time. Finish must be called after the last record.
type Renderer struct {
	w       io.Writer
	pieces  *bufio.Writer // see Gather
	opt     Options
	show    func(result.Record) error
	human   bool
	tail    *Tailored
	similar similar
	counts  counts
	exit    int
}

// New returns a Renderer for one of the formats "tailored", "generic"
// ("default" is the same), "json", "json_pp", "disabled", or a template (any
// string that contains "{").
func New(w io.Writer, format string, opt Options) (*Renderer, error) {
	if !slices.Contains([]OnFailure{"", Ignore, Continue, Stop}, opt.OnFailure) {
		return nil, errs.WithExit(fmt.Errorf("unknown policy on failure %q", opt.OnFailure), errs.ExitUsage)
	}
	r := &Renderer{w: w, opt: opt, counts: counts{}, tail: &Tailored{Summary: SummaryAuto}}
	switch format {
	case "tailored":
		if opt.Tailored != nil {
			r.tail = opt.Tailored
		}
		r.human, r.show = true, r.line
	case "generic", "default":
		if opt.Tailored != nil {
			r.tail = &Tailored{End: opt.Tailored.End, Summary: opt.Tailored.Summary}
		}
		r.human, r.show = true, r.line
	case "json":
		r.show = func(rec result.Record) error { return r.json(rec, 0) }
	case "json_pp":
		r.show = func(rec result.Record) error { return r.json(rec, 2) }
	case "disabled":
		r.show = func(result.Record) error { return nil }
	default:
		if !strings.Contains(format, "{") {
			return nil, errs.WithHint(fmt.Errorf("unknown result renderer %q", format),
				"known are tailored, generic, json, json_pp, disabled, or a template such as '{path}: {status}'")
		}
		r.show = func(rec result.Record) error { return r.template(format, rec) }
	}
	return r, nil
}

// Emit shows rec. It returns result.ErrStop after a failed record where the
// policy is Stop, and otherwise only errors of the writer. A record without an
// action is dropped.
func (r *Renderer) Emit(rec result.Record) error {
	if rec.Action == "" {
		return nil
	}
	if r.reported(rec) {
		r.counts.add(rec)
		if err := r.show(rec); err != nil {
			return fmt.Errorf("show a result: %w", err)
		}
	}
	return r.judge(rec)
}

// judge accounts for a failure.
func (r *Renderer) judge(rec result.Record) error {
	if !rec.Status.Failed() || r.opt.OnFailure == Ignore {
		return nil
	}
	r.exit = worse(r.exit, rec.Fields["exit_code"])
	if r.opt.OnFailure == Stop {
		return result.ErrStop
	}
	return nil
}

// failedWithoutCode marks a failure whose record carries no exit code, so that
// the code of a later record still counts.
const failedWithoutCode = -1

// worse returns the first non-zero exit code found so far.
func worse(have int, code any) int {
	if have > 0 {
		return have
	}
	if n, ok := asInt(code); ok && n != 0 {
		return n
	}
	return failedWithoutCode
}

func asInt(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	}
	return 0, false
}

// ExitCode returns what the records add up to: 0, or the first non-zero exit
// code among the failed ones, or 1.
func (r *Renderer) ExitCode() int {
	switch {
	case r.exit == 0:
		return 0
	case r.exit > 0 && r.exit < 256:
		return r.exit
	}
	return errs.ExitFailure
}

// Gather makes r write in larger pieces, for a list that comes at once: nobody
// waits for its lines, and nothing else writes between them.
func (r *Renderer) Gather() {
	r.pieces = bufio.NewWriterSize(r.w, 1<<16)
	r.w = r.pieces
}

// Finish prints what belongs after the last record.
func (r *Renderer) Finish() error {
	err := r.end()
	if r.pieces != nil {
		err = errors.Join(err, r.pieces.Flush())
	}
	return err
}

func (r *Renderer) end() error {
	if !r.human {
		return nil
	}
	err := r.similar.flush(r.println)
	if s := r.tail.Summary; s == SummaryAlways || s == SummaryAuto && r.counts.total() > 1 {
		err = errors.Join(err, r.println(r.counts.String()))
	}
	if r.tail.End != nil {
		if text := r.tail.End(); text != "" {
			err = errors.Join(err, r.println(text))
		}
	}
	return err
}

// reported applies the filters of --report-status and --report-type.
func (r *Renderer) reported(rec result.Record) bool {
	if len(r.opt.ReportStatus)+len(r.opt.ReportType) == 0 {
		return true
	}
	groups := map[string][]result.Status{
		"success": {result.OK, result.NotNeeded},
		"failure": {result.Impossible, result.Error},
	}
	matches := func(want string) bool {
		return want == string(rec.Status) || slices.Contains(groups[want], rec.Status)
	}
	return (len(r.opt.ReportStatus) == 0 || slices.ContainsFunc(r.opt.ReportStatus, matches)) &&
		(len(r.opt.ReportType) == 0 || slices.Contains(r.opt.ReportType, rec.Type))
}

// println writes text and a newline in one write.
func (r *Renderer) println(text string) error {
	_, err := io.WriteString(r.w, text+"\n")
	return err
}
