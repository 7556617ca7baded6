package pointer

import (
	"strings"
	"testing"
)

func TestAppended(t *testing.T) {
	const p = "/annex/objects/SHA256E-s3--x"
	for text, want := range map[string]bool{
		p: false, p + "\n": false, p + "\nmore": true, p + "\nmore\n": true, p + "\n/annex/later\n": false,
		p + "\n/annex/later": true, "more\n" + p: false, "": false, p + "\r\nmore\n": true, "/annex/objects/no\nmore\n": false,
		p + "\n" + strings.Repeat("x", MaxSize): false,
	} {
		if got := Appended([]byte(text)); got != want {
			t.Errorf("%.60q: %v", text, got)
		}
	}
}
