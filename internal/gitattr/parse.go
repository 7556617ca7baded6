package gitattr

import (
	"bytes"
	"strings"
)

// Limits of git: longer lines and larger files are ignored.
const (
	maxLine = 2048
	maxFile = 100 << 20
)

const (
	blank       = " \t\r\n"
	macroPrefix = "[attr]"
	utf8BOM     = "\xef\xbb\xbf"
)

// file is a parsed file of attributes, in the order of its lines.
type file struct {
	rules  []rule
	macros []macro
}

// rule is a line with a pattern.
type rule struct {
	pattern pattern
	states  []assignment
}

// macro is a line that starts with [attr].
type macro struct {
	name   string
	states []assignment
}

// assignment is one word of a line behind the pattern.
type assignment struct {
	name  string
	value Value
}

// parse never fails: as in git, a bad line is left out whole. Macros count only
// where macroOK is set, that is outside of subdirectories.
func parse(data []byte, macroOK bool) (f file) {
	if len(data) >= maxFile {
		return f
	}
	data = bytes.TrimPrefix(data, []byte(utf8BOM))
	for line := range bytes.Lines(data) {
		f.add(string(trimLine(line)), macroOK)
	}
	return f
}

// trimLine cuts the line end off, and everything from a NUL byte on.
func trimLine(line []byte) []byte {
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	line, _, _ = bytes.Cut(line, []byte{0})
	return line
}

// add parses one line.
func (f *file) add(line string, macroOK bool) {
	text := strings.TrimLeft(line, blank)
	if text == "" || text[0] == '#' || len(line) >= maxLine {
		return
	}
	word, rest := splitPattern(text)
	states, ok := parseStates(rest)
	if !ok {
		return
	}
	if name, ok := strings.CutPrefix(word, macroPrefix); ok && name != "" {
		name = firstWord(strings.TrimLeft(name, blank))
		if macroOK && validName(name) {
			f.macros = append(f.macros, macro{name, states})
		}
		return
	}
	if p, ok := parsePattern(word); ok {
		f.rules = append(f.rules, rule{p, states})
	}
}

// splitPattern takes the first word, which may be quoted as in C, off a line.
func splitPattern(text string) (word, rest string) {
	if text[0] == '"' {
		if word, rest, ok := unquote(text); ok {
			word, _, _ = strings.Cut(word, "\x00")
			return word, rest
		}
	}
	word = firstWord(text)
	return word, text[len(word):]
}

func firstWord(s string) string {
	if i := strings.IndexAny(s, blank); i >= 0 {
		return s[:i]
	}
	return s
}

// parseStates reads name, -name, !name and name=value, separated by blanks.
// One bad name spoils the line.
func parseStates(text string) (out []assignment, ok bool) {
	for {
		text = strings.TrimLeft(text, blank)
		if text == "" {
			return out, true
		}
		word := firstWord(text)
		text = text[len(word):]
		a := parseState(word)
		if !validName(a.name) {
			return nil, false
		}
		out = append(out, a)
	}
}

func parseState(word string) assignment {
	name, value, hasValue := strings.Cut(word, "=")
	switch {
	case strings.HasPrefix(name, "-"):
		return assignment{name[1:], Value{State: Unset}}
	case strings.HasPrefix(name, "!"):
		return assignment{name[1:], Value{State: Unspecified}}
	case hasValue:
		return assignment{name, Value{Valued, value}}
	}
	return assignment{name, Value{State: Set}}
}

// validName reports a name of ASCII letters, digits and "-._" that does not
// start with a dash.
func validName(name string) bool {
	if name == "" || name[0] == '-' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_') {
			return false
		}
	}
	return true
}
