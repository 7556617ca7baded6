package annexlog

import (
	"errors"
	"fmt"
	"iter"
	"strings"
)

// ErrBadValue is the cause of the errors for text that no log line can hold.
var ErrBadValue = errors.New("cannot be written to a log")

// lines yields the lines of a log; any run of CR and LF ends one.
func lines(data string) iter.Seq[string] {
	return strings.FieldsFuncSeq(data, func(c rune) bool { return c == '\n' || c == '\r' })
}

// cutClock separates the time stamp that a line begins with.
func cutClock(line string) (c Clock, rest string, ok bool) {
	stamp, rest, ok := strings.Cut(line, " ")
	if !ok {
		return Clock{}, "", false
	}
	c, err := ParseClock(stamp)
	return c, rest, err == nil
}

// CheckValue returns an error when s cannot be the value (or URL, or description)
// of a log line: it holds CR or LF. Nothing is escaped in logs.
func CheckValue(s string) error {
	if strings.ContainsAny(s, "\r\n") {
		return fmt.Errorf("%.100q: %w: line break", s, ErrBadValue)
	}
	return nil
}

// checkField does the same for the first word of a line.
func checkField(s string) error {
	if s == "" || strings.ContainsAny(s, " \r\n") {
		return fmt.Errorf("%.100q: %w: empty or with white space", s, ErrBadValue)
	}
	return nil
}
