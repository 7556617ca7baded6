package pyfmt

import "strings"

// ShellQuote returns shlex.quote(s): s itself if it consists of letters,
// digits and @%+=:,./_- only, otherwise s in single quotes.
func ShellQuote(s string) string {
	if s == "" {
		return "''"
	}
	for i := range len(s) {
		if !shellSafe(s[i]) {
			return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
		}
	}
	return s
}

func shellSafe(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		strings.IndexByte("@%+=:,./_-", c) >= 0
}

// ShellJoin quotes every argument and joins them with blanks.
func ShellJoin(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = ShellQuote(a)
	}
	return strings.Join(quoted, " ")
}
