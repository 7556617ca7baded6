// Package screen knows what is shown by a terminal, and keeps text that comes from
// anybody from steering it.
package screen

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// IsTerminal reports whether what is written to w is shown by a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Visible makes control characters visible, which a terminal would obey: names
// and texts can come from anybody. Those in keep stay.
func Visible(s, keep string) string {
	dangerous := func(c rune) bool { return unicode.IsControl(c) && !strings.ContainsRune(keep, c) }
	if !strings.ContainsFunc(s, dangerous) {
		return s
	}
	var b strings.Builder
	for i, c := range s {
		if dangerous(c) {
			fmt.Fprintf(&b, `\x%02x`, c)
			continue
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+n]) // as it is, also what is no UTF-8
	}
	return b.String()
}

// Filter returns w, with control characters made visible but for newlines and
// tabs, if w is a terminal.
func Filter(w io.Writer) io.Writer {
	if !IsTerminal(w) {
		return w
	}
	return filter{w}
}

type filter struct{ w io.Writer }

func (f filter) Write(b []byte) (int, error) {
	if _, err := io.WriteString(f.w, Visible(string(b), "\n\t")); err != nil {
		return 0, err
	}
	return len(b), nil
}
