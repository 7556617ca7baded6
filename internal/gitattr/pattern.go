package gitattr

import (
	"strings"

	"github.com/stemma-data/stemma/internal/wildmatch"
)

// pattern is the first word of a line.
type pattern struct {
	text    string // without a slash at either end
	literal int    // length of the beginning without special characters
	base    bool   // no slash inside: it is about the last part of a path
	dirOnly bool
}

// parsePattern refuses negative patterns, as git does.
func parsePattern(word string) (pattern, bool) {
	if strings.HasPrefix(word, "!") {
		return pattern{}, false
	}
	text, dirOnly := strings.CutSuffix(word, "/")
	p := pattern{text: text, dirOnly: dirOnly, base: strings.IndexByte(text, '/') < 0}
	p.text = strings.TrimPrefix(text, "/")
	p.literal = strings.IndexAny(p.text, `*?[\`)
	if p.literal < 0 {
		p.literal = len(p.text)
	}
	return p, true
}

// target is the path that is asked about.
type target struct {
	path string // with a slash at its end for a directory
	fold bool   // ignore case
}

// matches reports whether p, from a file in the directory base, matches.
func (p pattern) matches(t target, base string) bool {
	path, isDir := strings.CutSuffix(t.path, "/")
	if p.dirOnly && !isDir {
		return false
	}
	if p.base {
		return p.matchBase(path[strings.LastIndexByte(path, '/')+1:], t.fold)
	}
	if base != "" {
		path = path[len(base)+1:] // only files of directories above the path are asked
	}
	return p.matchPath(path, t.fold)
}

func (p pattern) matchBase(name string, fold bool) bool {
	if p.literal == len(p.text) {
		return equal(p.text, name, fold)
	}
	return wildmatch.Match(p.text, name, flags(fold))
}

// matchPath compares the literal beginning first. The rest is a pattern of its
// own, so that stars at its start count as standing at the start; git does so.
func (p pattern) matchPath(path string, fold bool) bool {
	if len(path) < p.literal || !equal(p.text[:p.literal], path[:p.literal], fold) {
		return false
	}
	return wildmatch.Match(p.text[p.literal:], path[p.literal:], flags(fold)|wildmatch.PathName)
}

func flags(fold bool) wildmatch.Flags {
	if fold {
		return wildmatch.FoldCase
	}
	return 0
}

// equal compares byte by byte, letters of ASCII without case if fold is set.
func equal(a, b string, fold bool) bool {
	if !fold {
		return a == b
	}
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
