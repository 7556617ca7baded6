package iospec

import (
	"regexp"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

// place is a stretch of a command within quotes.
type place struct {
	start, end int
	quote      byte // ' or "
	word       bool // the shell word that it belongs to is one plain argument
}

// places finds the quoted stretches of a shell command. It returns nil for a
// command whose quotes do not close: then nothing is known.
func places(cmd string) []place {
	var out []place
	word, first := 0, 0 // where the present word begins, and its first place
	for i := 0; i < len(cmd); i++ {
		switch c := cmd[i]; c {
		case '\\':
			i++
		case ' ', '\t', '\n':
			markWord(out[first:], cmd[word:i])
			word, first = i+1, len(out)
		case '\'', '"':
			end := closing(cmd, i)
			if end < 0 {
				return nil
			}
			out = append(out, place{start: i, end: end, quote: c})
			i = end
		}
	}
	markWord(out[first:], cmd[word:])
	return out
}

// closing returns where the quote that opens at i is closed, or -1.
func closing(cmd string, i int) int {
	for j := i + 1; j < len(cmd); j++ {
		switch {
		case cmd[j] == cmd[i]:
			return j
		case cmd[j] == '\\' && cmd[i] == '"':
			j++
		}
	}
	return -1
}

var fieldPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\{[^{}]*\}`)
})

// markWord decides whether a word is one argument that is used as it is, such
// as '{inputs[0]}' or '--in={inputs[0]}', or text for another shell, such as
// 'cat {inputs} | sort'.
func markWord(places []place, text string) {
	plain := !strings.ContainsAny(fieldPattern().ReplaceAllString(text, ""), " \t\n;|&<>()$`\\")
	for i := range places {
		places[i].word = plain
	}
}

// quoting returns how a path is written at the given offset of a command. What
// works with DataLad's way, plain quoting everywhere, is written that way.
func quoting(places []place, at int) func(string) string {
	for _, p := range places {
		switch {
		case at <= p.start || at >= p.end:
		case p.quote == '"' && p.word:
			return inDoubleQuotes
		case p.quote == '"':
			return pyfmt.ShellQuote
		case p.word:
			return unlessHarmless(inSingleQuotes)
		default:
			return unlessHarmless(func(s string) string { return inSingleQuotes(pyfmt.ShellQuote(s)) })
		}
	}
	return pyfmt.ShellQuote
}

func inSingleQuotes(s string) string { return strings.ReplaceAll(s, "'", `'"'"'`) }

func inDoubleQuotes(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`").Replace(s)
}

// unlessHarmless leaves the quoting to ShellQuote for paths that the shell would
// also read without any quotes.
func unlessHarmless(quote func(string) string) func(string) string {
	return func(s string) string {
		for i := range len(s) {
			if c := s[i]; c < 0x80 && pyfmt.ShellQuote(s[i:i+1]) != s[i:i+1] {
				return quote(s)
			}
		}
		return pyfmt.ShellQuote(s)
	}
}
