package annexshell

import (
	"fmt"
	"strings"
)

// split takes a line apart as a shell does, quotes and backslashes only:
// nothing is ever expanded.
func split(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoteChar, inWord := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoteChar == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
			continue
		case c == quoteChar:
			quoteChar = 0
		case quoteChar == 0 && (c == '\'' || c == '"'):
			quoteChar = c
		case c == '\\' && quoteChar != '\'':
			if i++; i == len(line) {
				return nil, fmt.Errorf("command line ends in a backslash")
			}
			word.WriteByte(line[i])
		default:
			word.WriteByte(c)
		}
		inWord = true
	}
	if quoteChar != 0 {
		return nil, fmt.Errorf("command line ends inside quotes")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// quote is the inverse of split.
func quote(words []string) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i == 0 && w != "" && !strings.ContainsAny(w, " '\"\\\t\n") {
			b.WriteString(w) // git-shell compares the command's name as it stands
			continue
		}
		b.WriteString("'" + strings.ReplaceAll(w, "'", `'\''`) + "'")
	}
	return b.String()
}
