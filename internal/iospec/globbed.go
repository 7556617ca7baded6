// Package iospec works out what the inputs, outputs and command of a run mean:
// it expands globs against the file system and fills in placeholders, as
// DataLad does. It reads directories and nothing else; it knows nothing of git,
// of datasets or of running commands.
package iospec

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/stemma-data/stemma/internal/pyfmt"
)

// Globbed expands a list of path patterns. Results are relative to the
// directory that the patterns are relative to; for each pattern they are sorted
// by code point, and they come in the order of the patterns, duplicates
// included. The pattern "." means the whole dataset: it is never expanded and
// always comes first, once.
//
// The file system is read once, at the first call that needs it; Refresh makes
// the next one read it again. A Globbed is for one goroutine at a time.
type Globbed struct {
	files    Files
	pwd      string
	dot      bool
	patterns []string
	found    map[string]match
	err      error
}

// match is what one pattern found.
type match struct {
	paths   []string
	partial bool // only leading directories of the pattern were found
}

// New prepares patterns, relative to the absolute directory pwd. Absolute
// patterns are made relative to it.
//
// Patterns are those of Python's glob: *, ?, [a-z], [!a-z], and ** as a whole
// component for any number of directories. Names that begin with a dot must be
// matched by a dot. A trailing slash selects directories and is kept, and so is
// a leading "./".
func New(patterns []string, pwd string) *Globbed { return NewIn(disk{}, patterns, pwd) }

// NewIn is New for other files than those of the file system.
func NewIn(files Files, patterns []string, pwd string) *Globbed {
	g := &Globbed{files: files, pwd: pwd}
	for _, p := range patterns {
		if strings.TrimSpace(p) == "." {
			g.dot = true
			continue
		}
		g.patterns = append(g.patterns, relative(p, pwd))
	}
	return g
}

// relative returns an absolute path as seen from pwd, other paths unchanged.
func relative(p, pwd string) string {
	if !filepath.IsAbs(p) {
		return p
	}
	if rel, err := filepath.Rel(pwd, p); err == nil {
		return rel
	}
	return p
}

// Paths returns the patterns themselves, "." first.
func (g *Globbed) Paths() []string { return append(g.dots(), g.patterns...) }

// Expand returns what the patterns match. A pattern without a match yields
// those leading directories of it that exist (see PartialHits), or else itself.
func (g *Globbed) Expand() []string {
	return g.collect(func(p string, m match) []string {
		if len(m.paths) == 0 {
			return []string{p}
		}
		return m.paths
	})
}

// ExpandStrict returns the existing paths only; broken symbolic links exist.
func (g *Globbed) ExpandStrict() []string {
	return g.collect(func(_ string, m match) []string {
		if m.partial {
			return nil
		}
		return m.paths
	})
}

func (g *Globbed) collect(choose func(string, match) []string) []string {
	g.read()
	out := g.dots()
	for _, p := range g.patterns {
		out = append(out, choose(p, g.found[p])...)
	}
	return out
}

func (g *Globbed) dots() []string {
	if g.dot {
		return []string{"."}
	}
	return []string{}
}

// Misses returns the patterns of which nothing exists, each once. They are
// missing inputs, unless the path is literal and lies in an absent subdataset.
func (g *Globbed) Misses() []string {
	return g.once(func(p string, m match) []string {
		if len(m.paths) == 0 {
			return []string{p}
		}
		return nil
	})
}

// PartialHits returns the directories (with a trailing slash) that match the
// leading components of patterns without a match. They may be subdatasets that
// are not installed, in which the rest of the pattern will match.
func (g *Globbed) PartialHits() []string {
	return g.once(func(_ string, m match) []string {
		if m.partial {
			return m.paths
		}
		return nil
	})
}

func (g *Globbed) once(choose func(string, match) []string) []string {
	g.read()
	seen := map[string]bool{}
	out := []string{}
	for _, p := range g.patterns {
		if !seen[p] {
			out = append(out, choose(p, g.found[p])...)
		}
		seen[p] = true
	}
	return out
}

// Refresh forgets what was found.
func (g *Globbed) Refresh() { g.found, g.err = nil, nil }

// Err returns ErrTooMany if a search was cut short, after any of the calls that
// expand. Directories that cannot be read count as empty.
func (g *Globbed) Err() error { return g.err }

func (g *Globbed) read() {
	if g.found != nil {
		return
	}
	g.found = make(map[string]match, len(g.patterns))
	cwd, err := filepath.EvalSymlinks(g.pwd) // where ".." leads to
	if err != nil {
		cwd = g.pwd
	}
	w := walker{files: g.files, root: g.pwd, left: maxEntries, text: maxText}
	for _, p := range g.patterns {
		if _, done := g.found[p]; !done && w.left >= 0 {
			if g.found[p] = w.find(p, cwd); w.left < 0 {
				g.err = fmt.Errorf("%w %.100q", ErrTooMany, p)
			}
		}
	}
}

func (w *walker) find(pattern, cwd string) match {
	if strings.Count("/"+pattern+"/", "/**") > maxDeep {
		w.left = -1
		return match{}
	}
	if hits := normalized(w.glob(pattern), cwd); len(hits) > 0 {
		return match{paths: hits}
	}
	for _, sub := range subPatterns(pattern) {
		if w.left < 0 {
			break
		}
		if hits := normalized(w.glob(sub), cwd); len(hits) > 0 {
			return match{hits, true}
		}
	}
	return match{}
}

func normalized(hits []string, cwd string) []string {
	for i, h := range hits {
		hits[i] = normalize(h, cwd)
	}
	sort.Slice(hits, func(i, j int) bool { return pyfmt.Compare(hits[i], hits[j]) < 0 })
	return hits
}

// normalize cleans a path that was found, but keeps a trailing slash and a
// leading "./". Paths through ".." that lead back under cwd are shortened.
func normalize(hit, cwd string) string {
	clean := filepath.Clean(hit)
	if clean == ".." || strings.HasPrefix(clean, "../") {
		clean = relative(filepath.Join(cwd, clean), cwd)
	}
	if strings.HasSuffix(hit, "/") {
		clean += "/"
	}
	if hit == "./"+clean {
		return hit
	}
	return clean
}

// subPatterns returns the leading parts of a pattern, longest first, as long as
// something in them or right behind them is to be matched.
func subPatterns(pattern string) []string {
	head, tail := split(pattern)
	if tail == "" { // a trailing slash
		head, tail = split(head)
	}
	var subs []string
	magic := hasMagic(tail)
	for head != "" {
		next, tail := split(head)
		if magic && !hasMagic(head) {
			break
		}
		magic = magic || hasMagic(tail)
		if magic {
			subs = append(subs, head+"/")
		}
		if next == head { // the root
			break
		}
		head = next
	}
	return subs
}
