package publish

import (
	"strings"

	"github.com/stemma-data/stemma/internal/result"
)

// pushedRef is one line of `git push --porcelain`.
type pushedRef struct {
	flag     byte
	from, to string
	note     string // such as "[new branch]" or "1234567..89abcde"
}

// parsePush reads git's answer; lines of another form are passed over.
func parsePush(out string) []pushedRef {
	var list []pushedRef
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3)
		if len(f) != 3 || len(f[0]) != 1 {
			continue
		}
		from, to, ok := strings.Cut(f[1], ":")
		if !ok {
			continue
		}
		list = append(list, pushedRef{f[0][0], from, to, f[2]})
	}
	return list
}

// operations are DataLad's words for what happened.
func (r pushedRef) operations() []any {
	switch r.flag {
	case ' ':
		return []any{"fast-forward"}
	case '+':
		return []any{"forced-update"}
	case '-':
		return []any{"deleted"}
	case '=':
		return []any{"uptodate"}
	case '*':
		if strings.Contains(r.note, "[new tag]") {
			return []any{"new-tag"}
		}
		return []any{"new-branch"}
	}
	switch {
	case strings.Contains(r.note, "[remote rejected]"):
		return []any{"remote-rejected", "error"}
	case strings.Contains(r.note, "[remote failure]"):
		return []any{"remote-failure", "error"}
	case strings.Contains(r.note, "[no match]"):
		return []any{"no-match", "error"}
	}
	return []any{"rejected", "error"}
}

func (r pushedRef) status() result.Status {
	switch r.flag {
	case '=':
		return result.NotNeeded
	case ' ', '+', '*':
		return result.OK
	case '-':
		return result.Impossible
	}
	return result.Error
}

// hintsOf collects git's advice, as one line.
func hintsOf(stderr string) string {
	var list []string
	for line := range strings.Lines(stderr) {
		if text, ok := strings.CutPrefix(line, "hint: "); ok {
			list = append(list, strings.TrimSpace(text))
		}
	}
	return strings.Join(list, " ")
}
