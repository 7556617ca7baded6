package screen

import (
	"bytes"
	"testing"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain":             "plain",
		"a\x1b[31mb":        `a\x1b[31mb`,
		"tab\tnew\nline\r":  "tab\tnew\nline" + `\x0d`,
		"ü\x1b\xff\xfe":     "ü" + `\x1b` + "\xff\xfe", // no UTF-8: as it is
		"\u009b31m\x7f\x00": `\x9b31m\x7f\x00`,
	} {
		if got := Visible(in, "\n\t"); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// What is no terminal gets every byte.
func TestFilter(t *testing.T) {
	var b bytes.Buffer
	if Filter(&b) != &b {
		t.Error("a buffer is taken for a terminal")
	}
	text := "x\x1b[2J\n"
	if n, err := (filter{&b}).Write([]byte(text)); n != len(text) || err != nil || b.String() != "x\\x1b[2J\n" {
		t.Errorf("%d %v %q", n, err, b.String())
	}
}
