package annexcmd

import "testing"

// TestFormatTemplate: the texts are git-annex's own for the same templates.
func TestFormatTemplate(t *testing.T) {
	fields := map[string]string{"file": "a b\n.txt", "key": "K"}
	for _, c := range []struct{ template, want string }{
		{`${file}\n`, "a b\n.txt\n"},
		{`${escaped_file}\000`, `a\040b\n.txt` + "\x00"},
		{`[${key;4}][${key;-4}]`, "[   K][K   ]"},
		{`${nosuch}x`, "x"},
		{`$key ${key`, "$key ${key"},
		{`\t\\n`, "\t\\n"},
	} {
		if got := FormatTemplate(c.template, fields); got != c.want {
			t.Errorf("%q: got %q, want %q", c.template, got, c.want)
		}
	}
}
