package matchexpr

import (
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"
)

// glob is git-annex's glob: it matches the whole name, * and ? match slashes
// as well, there are [sets] and no braces.
//
// git-annex makes a POSIX regular expression of it, with a backslash before
// all but letters and digits, and the oddities of that are part of the
// language: \< \> \` \' stand for word and text edges, so those four characters
// do here; and a name with line breaks matches if one of its lines does. In a glob
// of paths, a backslash or slash matches a run of them, and ends the set of "[]".
type glob struct {
	items []item
	err   error // the glob is broken; reported where it is tried
}

// Glob returns a function that tells whether a value, which is no path, matches
// the glob.
func Glob(s string) (func(value string) bool, error) {
	g := compileGlob(s, ofValues)
	return g.match, g.err
}

// What a glob is matched with.
const (
	ofPaths  = true
	ofValues = false
)

// compileGlob never fails; see glob.err.
func compileGlob(s string, paths bool) glob {
	items, err := parseRegex(globToRegex(runes(s), paths))
	if err != nil {
		return glob{err: fmt.Errorf("glob %q: %w", s, err)}
	}
	return glob{items: items}
}

// globToRegex translates as git-annex does. A set ends at the first ], even
// where the regular expression will see it go on.
func globToRegex(in []rune, paths bool) (out []rune) {
	for i := 0; i < len(in); i++ {
		switch c := in[i]; {
		case c == '*':
			out = append(out, '.', '*')
		case c == '?':
			out = append(out, '.')
		case paths && (c == '\\' || c == '/'):
			out = append(out, '[', c, ']', '+')
		case c == '[':
			end := i + 1 + setLen(in[i+1:])
			out = append(out, setToRegex(in[i:end])...)
			i = end - 1
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			out = append(out, c)
		default:
			out = append(out, '\\', c)
		}
	}
	return out
}

// setLen returns the length up to and with the first ].
func setLen(in []rune) int {
	if n := slices.Index(in, ']'); n >= 0 {
		return n + 1
	}
	return len(in)
}

func setToRegex(set []rune) (out []rune) {
	for i, c := range set {
		switch {
		case c == '!' && i == 1:
			c = '^'
		case c == '\\':
			out = append(out, c)
		}
		out = append(out, c)
	}
	return out
}

// runes splits a name into characters; bytes that are no UTF-8 become
// surrogates, as in Haskell, so that each is one character.
func runes(s string) []rune {
	out := make([]rune, 0, len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = 0xdc00 + rune(s[0])
		}
		out = append(out, r)
		s = s[n:]
	}
	return out
}

// match reports whether one line of name matches as a whole.
func (g glob) match(name string) bool {
	text := runes(name)
	start := 0
	for {
		n := slices.Index(text[start:], '\n')
		if n < 0 {
			return g.matchLine(text, start, len(text))
		}
		if g.matchLine(text, start, start+n) {
			return true
		}
		start += n + 1
	}
}
