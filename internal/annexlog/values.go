package annexlog

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Trust is a repository's trust level, by its letter in trust.log.
type Trust byte

// The trust levels. A repository without an entry is semitrusted.
const (
	Trusted     Trust = '1'
	Semitrusted Trust = '?'
	Untrusted   Trust = '0'
	Dead        Trust = 'X'
)

// ParseTrust reads a value of trust.log. It is false for one that git-annex ignores.
func ParseTrust(value string) (Trust, bool) {
	switch {
	case value == "":
		return Trusted, true
	case len(value) > 1:
		return Semitrusted, false
	}
	switch t := Trust(value[0]); t {
	case Trusted, Untrusted, Dead:
		return t, true
	}
	return Semitrusted, true
}

// String returns the level's value in trust.log.
func (t Trust) String() string { return string(rune(t)) }

// ParseGroups reads a value of group.log: a set of names, sorted.
func ParseGroups(value string) []string {
	return sortedSet(strings.FieldsFunc(value, isSpace))
}

// FormatGroups writes a value of group.log.
func FormatGroups(groups []string) string {
	return strings.Join(sortedSet(slices.Clone(groups)), " ")
}

// EncodeConfig writes a special remote's configuration as a value of remote.log:
// words name=value sorted by name, with white space and '&' of the values as
// "&DECIMAL;". A name must have neither white space nor "=".
func EncodeConfig(config map[string]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(config)) {
		words = append(words, name+"="+escapeConfig(config[name]))
	}
	return strings.Join(words, " ")
}

// DecodeConfig reads a value of remote.log. A word without "=" is a name with an
// empty value; of equal names the last counts.
func DecodeConfig(value string) map[string]string {
	config := make(map[string]string)
	for _, word := range strings.FieldsFunc(value, isSpace) {
		name, v, _ := strings.Cut(word, "=")
		config[name] = unescapeConfig(v)
	}
	return config
}

// isSpace is Haskell's idea of white space, which differs from Go's for U+0085 and
// the line separators.
func isSpace(c rune) bool {
	return c == ' ' || '\t' <= c && c <= '\r' || unicode.Is(unicode.Zs, c)
}

func escapeConfig(s string) string {
	var b strings.Builder
	for i, c := range s {
		if c == '&' || isSpace(c) {
			b.WriteString("&" + strconv.Itoa(int(c)) + ";")
			continue
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+n]) // bytes that are not UTF-8 stay
	}
	return b.String()
}

func unescapeConfig(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		num, rest, _ := strings.Cut(after, ";")
		c, err := strconv.ParseUint(num, 10, 21)
		if err != nil || len(num) == len(after) || !utf8.ValidRune(rune(c)) {
			b.WriteByte('&')
			rest = after
		} else {
			b.WriteRune(rune(c))
		}
		s = rest
	}
}

// ParseTransitions returns the names of the transitions that transitions.log
// records, with their times. Names other than ForgetGitHistory and
// ForgetDeadRemotes come from a newer program; the branch must then be left alone.
func ParseTransitions(data []byte) []Entry {
	var all []Entry
	for line := range lines(string(data)) {
		name, stamp, _ := strings.Cut(line, " ")
		c, _ := ParseClock(stamp)
		all = append(all, Entry{Field: name, Clock: c})
	}
	return all
}
