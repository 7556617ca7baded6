package render

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/stemma-data/stemma/internal/result"
	"github.com/stemma-data/stemma/internal/screen"
)

// line shows a record to people: the command's own text, or the generic line.
func (r *Renderer) line(rec result.Record) error {
	rec = r.shown(rec)
	if r.tail.Line != nil {
		if text, own := r.tail.Line(rec); own {
			switch text {
			case "":
				return nil
			case EmptyLine:
				text = ""
			}
			return r.println(text)
		}
	}
	if r.tail.Rewrite != nil {
		rec = r.tail.Rewrite(rec)
	}
	if rec.Status == result.NotNeeded {
		return r.similar.skip(rec, r.println)
	}
	return r.similar.show(rec, r.opt.SimilarThreshold, func() error { return r.println(r.Line(rec)) }, r.println)
}

// Line returns the generic line of a record, without newline:
//
//	ACTION(STATUS): PATH (TYPE) [MESSAGE] [ERROR_MESSAGE]
func (r *Renderer) Line(rec result.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s(%s):", r.paint(bold, rec.Action), r.paint(statusColor[rec.Status], string(rec.Status)))
	if rec.Path != "" {
		b.WriteString(" " + r.visible(RelPath(rec), ""))
	}
	if rec.Type != "" {
		b.WriteString(" (" + r.paint(magenta, rec.Type) + ")")
	}
	if m := r.message(rec, "message"); m != "" {
		b.WriteString(" [" + m + "]")
	}
	if m := r.message(rec, "error_message"); m != "" && rec.Status != result.OK {
		b.WriteString(r.paint(red, " ["+m+"]"))
	}
	return b.String()
}

// RelPath returns the record's path as people see it: relative to the
// reference dataset where there is one.
func RelPath(rec result.Record) string {
	ref := rec.String("refds")
	if ref == "" {
		return rec.Path
	}
	rel, err := filepath.Rel(ref, rec.Path)
	if err != nil {
		return rec.Path
	}
	return rel
}

// Message returns a record's message as people see it.
func Message(rec result.Record) string { return new(Renderer).message(rec, "message") }

func (r *Renderer) message(rec result.Record, field string) string {
	switch m := rec.Fields[field].(type) {
	case nil:
		return ""
	case string:
		return r.visible(m, "\n\t")
	case result.Tuple:
		return r.visible(formatTuple(m), "\n\t")
	default:
		return r.visible(pyString(m), "\n\t")
	}
}

// shown returns the record for a command's own text: on a terminal, without
// control characters in its path and its texts.
func (r *Renderer) shown(rec result.Record) result.Record {
	if !r.opt.TTY || r.tail.Line == nil {
		return rec
	}
	rec.Path = screen.Visible(rec.Path, "")
	for name, value := range rec.Fields {
		if text, ok := value.(string); ok && screen.Visible(text, "\n\t") != text {
			rec = rec.With(name, screen.Visible(text, "\n\t"))
		}
	}
	return rec
}

// visible is screen.Visible on a terminal; elsewhere every byte stays.
func (r *Renderer) visible(s, keep string) string {
	if !r.opt.TTY {
		return s
	}
	return screen.Visible(s, keep)
}

// The colours of DataLad: SGR codes, each combined with bold.
const (
	bold    = 1
	red     = 31
	green   = 32
	yellow  = 33
	blue    = 34
	magenta = 35
)

var statusColor = map[result.Status]int{
	result.OK: green, result.NotNeeded: green, result.Impossible: yellow, result.Error: red,
}

func (r *Renderer) paint(color int, s string) string {
	if !r.opt.Color || color == 0 {
		return s
	}
	return paint(color, s)
}

func paint(color int, s string) string { return fmt.Sprintf("\x1b[1;%dm%s\x1b[0m", color, s) }
