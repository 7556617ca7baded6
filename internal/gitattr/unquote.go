package gitattr

import "strings"

// unquote reads a string quoted as in C at the start of text and returns it
// with what follows; ok is false where it is not well formed.
func unquote(text string) (word, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); {
		switch c := text[i]; c {
		case '"':
			return b.String(), text[i+1:], true
		case '\\':
			c, n := unescape(text[i+1:])
			if n == 0 {
				return "", "", false
			}
			b.WriteByte(c)
			i += 1 + n
		default:
			b.WriteByte(c)
			i++
		}
	}
	return "", "", false
}

// unescape reads what stands behind a backslash and returns its length, 0 for
// an unknown escape.
func unescape(s string) (c byte, n int) {
	if s == "" {
		return 0, 0
	}
	const letters, meaning = `abfnrtv\"`, "\a\b\f\n\r\t\v\\\""
	if i := strings.IndexByte(letters, s[0]); i >= 0 {
		return meaning[i], 1
	}
	if len(s) < 3 || s[0] > '3' {
		return 0, 0
	}
	for i := range 3 {
		if s[i] < '0' || s[i] > '7' {
			return 0, 0
		}
		c = c<<3 | (s[i] - '0')
	}
	return c, 3
}
