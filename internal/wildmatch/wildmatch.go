// Package wildmatch matches names against the glob patterns of .gitattributes
// and .gitignore lines exactly as git's function of that name does. It knows
// nothing of those files' other rules (anchoring, negation, directories).
//
// ? and [sets] match one byte, * any number of bytes, a backslash quotes. With
// PathName none of them matches a slash, but ** between slashes (or at an end)
// matches any number of directories.
package wildmatch

import "strings"

// Flags change how Match works.
type Flags uint8

const (
	// PathName makes the slash special.
	PathName Flags = 1 << iota
	// FoldCase ignores the case of ASCII letters, with git's limits: not in
	// a set's single characters and not behind a backslash.
	FoldCase
)

// Match reports whether pattern matches the whole of name. A pattern with a
// broken set matches nothing. The cost is at most the product of both lengths.
func Match(pattern, name string, flags Flags) bool {
	m := matcher{pattern: pattern, name: name, flags: flags}
	return m.from(0, 0)
}

// matcher holds one match under way.
type matcher struct {
	pattern, name string
	flags         Flags
	failed        []uint64 // bit set of (pattern, name) positions behind a star
}

// from matches pattern[p:] against name[n:].
func (m *matcher) from(p, n int) bool {
	for p < len(m.pattern) {
		if m.pattern[p] == '*' {
			return m.star(p, n)
		}
		if n >= len(m.name) {
			return false
		}
		used, ok := m.one(p, m.lower(m.name[n]))
		if !ok {
			return false
		}
		p, n = p+used, n+1
	}
	return n == len(m.name)
}

// one matches the single-byte piece at p against c and returns its length.
func (m *matcher) one(p int, c byte) (used int, ok bool) {
	switch b := m.pattern[p]; b {
	case '?':
		return 1, c != '/' || m.flags&PathName == 0
	case '[':
		used, ok := m.set(p+1, c)
		return used + 1, ok && (c != '/' || m.flags&PathName == 0)
	case '\\':
		return 2, p+1 < len(m.pattern) && m.pattern[p+1] == c
	default:
		return 1, m.lower(b) == c
	}
}

// star matches from the run of stars at p.
func (m *matcher) star(p, n int) bool {
	q := p
	for q < len(m.pattern) && m.pattern[q] == '*' {
		q++
	}
	rest := m.pattern[q:]
	deep := m.flags&PathName == 0
	if !deep && q-p > 1 && m.wholeComponent(p, rest) {
		if strings.HasPrefix(rest, "/") && m.retry(q+1, n) {
			return true
		}
		deep = true
	}
	if rest == "" {
		return deep || strings.IndexByte(m.name[n:], '/') < 0
	}
	if !deep && rest[0] == '/' { // exactly the rest of one component
		slash := strings.IndexByte(m.name[n:], '/')
		return slash >= 0 && m.retry(q+1, n+slash+1)
	}
	for ; n < len(m.name); n++ {
		if m.retry(q, n) {
			return true
		}
		if !deep && m.name[n] == '/' {
			return false
		}
	}
	return false
}

// wholeComponent reports whether the stars at p, followed by rest, stand alone
// between slashes or ends.
func (m *matcher) wholeComponent(p int, rest string) bool {
	return (p == 0 || m.pattern[p-1] == '/') &&
		(rest == "" || rest[0] == '/' || strings.HasPrefix(rest, `\/`))
}

// retry is from for positions that may come up again; it remembers failures,
// so that many stars do not take exponential time.
func (m *matcher) retry(p, n int) bool {
	if m.failed == nil {
		if strings.IndexByte(m.pattern[p:], '*') < 0 {
			return m.from(p, n)
		}
		m.failed = make([]uint64, (len(m.pattern)+1)*(len(m.name)+1)/64+1)
	}
	at := p*(len(m.name)+1) + n
	if m.failed[at/64]&(1<<(at%64)) != 0 {
		return false
	}
	if m.from(p, n) {
		return true
	}
	m.failed[at/64] |= 1 << (at % 64)
	return false
}

// lower folds c if that is asked for.
func (m *matcher) lower(c byte) byte {
	if m.flags&FoldCase != 0 && c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
