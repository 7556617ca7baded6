package iospec

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// What one expansion does at most: look at so many directory entries, collect
// paths of so many bytes, and go through all folders so many times. Patterns such
// as */../*/../* or **/**/** match without end.
const (
	maxEntries = 50_000_000
	maxText    = 1 << 30
	maxDeep    = 16
)

// ErrTooMany means that patterns match too many paths to go on.
var ErrTooMany = errors.New("expand patterns: too many paths match")

// walker finds the paths that match a pattern, as Python's glob does (as of 3.13,
// where ** matches nothing below what is no directory). The only difference: **
// does not follow a symbolic link back to a directory that it is already in.
type walker struct {
	files Files
	root  string // absolute; patterns are relative to it
	left  int    // entries that may still be read; negative once exhausted
	text  int    // bytes of paths that may still be collected
}

// spent counts a path that was collected; it reports whether it was one too many.
func (w *walker) spent(path string) bool {
	const overhead = 16 // of a string
	if w.text -= len(path) + overhead; w.text < 0 {
		w.left = -1
	}
	return w.left < 0
}

// glob returns the paths in no particular order.
func (w *walker) glob(pattern string) []string {
	hits := w.match(pattern, false)
	if strings.HasPrefix(pattern, "**") && len(hits) > 0 && hits[0] == "" {
		return hits[1:]
	}
	return hits
}

func (w *walker) match(pattern string, dirsOnly bool) []string {
	dir, base := split(pattern)
	if !hasMagic(pattern) {
		if base != "" && w.exists(pattern) || base == "" && w.isDir(dir) {
			return []string{pattern}
		}
		return nil
	}
	if dir == "" {
		return w.within("", base, dirsOnly)
	}
	dirs := []string{dir}
	if hasMagic(dir) && dir != pattern {
		dirs = w.match(dir, true)
	}
	var out []string
	for _, d := range dirs {
		for _, name := range w.within(d, base, dirsOnly) {
			path := join(d, name, true)
			if out = append(out, path); w.spent(path) {
				return nil
			}
		}
	}
	return out
}

// within returns the paths below dir, relative to it, that match one component.
func (w *walker) within(dir, pattern string, dirsOnly bool) []string {
	switch {
	case pattern == "**":
		if dir != "" && !w.isDir(dir) {
			return nil
		}
		return w.below(dir, "", dirsOnly, []string{""}, nil)
	case hasMagic(pattern):
		return w.children(dir, pattern, dirsOnly)
	case pattern == "" && w.isDir(dir), pattern != "" && w.exists(join(dir, pattern, false)):
		return []string{pattern}
	}
	return nil
}

func (w *walker) children(dir, pattern string, dirsOnly bool) []string {
	m := compile(pattern)
	var out []string
	for _, e := range w.list(dir) {
		name := e.Name()
		if (pattern[0] == '.' || name[0] != '.') && m.match(name) && (!dirsOnly || w.leadsToDir(dir, e)) {
			if out = append(out, name); w.spent(name) {
				return nil
			}
		}
	}
	return out
}

// below appends everything under dir to out, each with the given prefix.
// above lists the directories that the walk is in.
func (w *walker) below(dir, prefix string, dirsOnly bool, out, above []string) []string {
	above = append(above, dir)
	for _, e := range w.list(dir) {
		name := e.Name()
		if name[0] == '.' {
			continue
		}
		isDir := w.leadsToDir(dir, e)
		if dirsOnly && !isDir {
			continue
		}
		if out = append(out, prefix+name); w.spent(prefix + name) {
			return nil
		}
		sub := join(dir, name, false)
		if isDir && (e.IsDir() || !w.loops(sub, above)) {
			out = w.below(sub, prefix+name+"/", dirsOnly, out, above)
		}
	}
	return out
}

// loops reports whether the directory that a link leads to is one of above.
func (w *walker) loops(link string, above []string) bool {
	for _, dir := range above {
		if w.files.Same(w.abs(dir), w.abs(link)) {
			return true
		}
	}
	return !w.isDir(link)
}

func (w *walker) list(dir string) []fs.DirEntry {
	if w.left < 0 {
		return nil
	}
	entries := w.files.List(w.abs(dir))
	w.left -= len(entries) + 1
	return entries
}

func (w *walker) leadsToDir(dir string, e fs.DirEntry) bool {
	return e.IsDir() || e.Type()&fs.ModeSymlink != 0 && w.isDir(join(dir, e.Name(), false))
}

func (w *walker) exists(p string) bool { return w.files.Exists(w.abs(p)) }

func (w *walker) isDir(p string) bool { return p != "" && w.files.IsDir(w.abs(p)) }

// abs does not clean the path: behind a symbolic link ".." is not what the text
// suggests.
func (w *walker) abs(p string) string {
	if path.IsAbs(p) {
		return p
	}
	return join(w.root, p, false)
}

// join is os.path.join in Python. An empty name yields dir, with a trailing
// slash if slash is set.
func join(dir, name string, slash bool) string {
	switch {
	case dir == "" || name == "" && !slash:
		return dir + name
	case strings.HasSuffix(dir, "/"):
		return dir + name
	}
	return dir + "/" + name
}

// split is os.path.split in Python: the last component, and what comes before
// without its trailing slashes.
func split(p string) (head, tail string) {
	i := strings.LastIndexByte(p, '/') + 1
	head, tail = p[:i], p[i:]
	if trimmed := strings.TrimRight(head, "/"); trimmed != "" {
		head = trimmed
	}
	return head, tail
}

func hasMagic(p string) bool { return strings.ContainsAny(p, "*?[") }
