package runrec

import (
	"fmt"
	"strings"
	"unicode"
)

const (
	begin = "=== Do not change lines below ===\n"
	end   = "\n^^^ Do not change lines above ^^^"
)

// Commit is what the message of a run commit says.
type Commit struct {
	Kind     Kind
	Title    string  // may have several lines; blanks at its end are cut
	Record   *Record // nil if the record is in a sidecar file
	RecordID string  // name of the sidecar file, a plain file name; or ""
}

// Message returns the commit message for a record: "[kind] title", an empty
// line, and the record between its markers. A title without any text, which
// would make the record unreadable, is replaced by the shortened command, and
// empty lines before the title are dropped.
//
// git changes a title with blanks at the ends of lines or with several empty
// lines in a row; Cleanup says how.
func Message(kind Kind, title string, rec *Record) string {
	return message(kind, title, rec.Cmd, rec.JSON())
}

// SidecarMessage returns the commit message for a record that is kept in the
// sidecar file id (see Sidecar).
func SidecarMessage(kind Kind, title string, rec *Record, id string) string {
	return message(kind, title, rec.Cmd, `"`+id+`"`)
}

func message(kind Kind, title, cmd, record string) string {
	if strings.TrimFunc(title, isSpace) == "" {
		title = ShortCommand(cmd)
	}
	for {
		line, rest, more := strings.Cut(title, "\n")
		if !more || strings.TrimFunc(line, isSpace) != "" {
			break
		}
		title = rest
	}
	return fmt.Sprintf("[%s] %s\n\n%s%s%s\n", kind, title, begin, record, end)
}

// Parse reads a commit message. It returns ErrNoRecord if the message is none
// of a run commit, ErrNoCommand or a *DamagedError if it is one but its record
// cannot be used. Text after the record is allowed. Lists that old records
// lack are empty, a missing directory is ".", and a command that was recorded
// as a list of arguments is quoted.
func Parse(message string) (*Commit, error) {
	kind, title, record, ok := split(message)
	if !ok {
		return nil, ErrNoRecord
	}
	rec, id, err := parseJSON(record)
	if err != nil {
		return nil, err
	}
	return &Commit{kind, strings.TrimRightFunc(title, isSpace), rec, id}, nil
}

// split finds title and record. Where markers occur several times, in a title
// for instance, the last ones count.
func split(message string) (kind Kind, title, record string, ok bool) {
	for _, kind := range []Kind{RunKind, SlurmKind} {
		text, ok := strings.CutPrefix(message, "["+string(kind)+"] ")
		if !ok {
			continue
		}
		stop := strings.LastIndex(text, end)
		if stop < 0 {
			return "", "", "", false
		}
		start := strings.LastIndex(text[:stop], begin)
		if start < 0 {
			return "", "", "", false
		}
		return kind, text[:start], text[start+len(begin) : stop], true
	}
	return "", "", "", false
}

// isSpace is Python's str.isspace.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// Cleanup returns what git makes of a message that it is given on the command
// line or in a file (commit.cleanup "whitespace"): blanks at the ends of lines
// go, as do empty lines at the beginning, at the end, and all but one between;
// the text ends in a newline.
func Cleanup(message string) string {
	var out strings.Builder
	empty := 0
	for line := range strings.Lines(message) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			empty++
			continue
		}
		if empty > 0 && out.Len() > 0 {
			out.WriteByte('\n')
		}
		empty = 0
		out.WriteString(line)
		out.WriteByte('\n')
	}
	return out.String()
}
