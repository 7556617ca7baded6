// Package gitattr looks up git attributes (gitattributes(5)) for single paths
// without running git, so that the cost depends on the paths asked for and not
// on the repository. It gets the content of .gitattributes files from a Source
// and knows neither work trees nor configuration.
package gitattr

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// State says what is known of an attribute.
type State uint8

const (
	Unspecified State = iota // no line speaks of it, or one says "!name"
	Set                      // "name"
	Unset                    // "-name"
	Valued                   // "name=text"
)

// Value is the value of one attribute for one path.
type Value struct {
	State State
	Text  string // only with Valued; may be empty
}

// String returns the value as `git check-attr` prints it.
func (v Value) String() string {
	switch v.State {
	case Set:
		return "set"
	case Unset:
		return "unset"
	case Valued:
		return v.Text
	}
	return "unspecified"
}

// Source returns the content of the .gitattributes file in dir, a path from
// the top of the repository with slashes, "" for the top itself. Where there is
// none it returns fs.ErrNotExist (or no content). git does not follow a
// symbolic link of that name, nor should a Source. Matcher calls it from
// several goroutines at once.
type Source func(dir string) ([]byte, error)

// Matcher answers for one repository. It reads each directory once and never
// looks for changes. It is safe for concurrent use.
type Matcher struct {
	src        Source
	ignoreCase bool
	below      []file // builtin, system, global: lowest precedence first
	info       file

	mu   sync.Mutex
	dirs map[string]*dirFile
}

// dirFile is the file of one directory, once it is read.
type dirFile struct {
	mu   sync.Mutex
	read bool
	file file
}

// builtin is the macro that git brings along.
const builtin = "[attr]binary -diff -merge -text\n"

// New makes a Matcher. system, global and info are the contents of the files
// of those levels ($(prefix)/etc/gitattributes, core.attributesFile and
// $GIT_COMMON_DIR/info/attributes), nil where missing; ignoreCase is core.ignoreCase.
func New(src Source, system, global, info []byte, ignoreCase bool) *Matcher {
	return &Matcher{
		src:        src,
		ignoreCase: ignoreCase,
		below:      []file{parse([]byte(builtin), true), parse(system, true), parse(global, true)},
		info:       parse(info, true),
		dirs:       map[string]*dirFile{},
	}
}

// Get returns the values of the named attributes for path, one for each name.
// Without names it returns all attributes that are not unspecified. The path is
// relative to the top, with slashes; a slash at its end makes it a directory,
// which only then matches patterns such as "dir/". Errors are those of Source,
// and of paths that are absolute or have empty, "." or ".." parts.
func (m *Matcher) Get(path string, names ...string) (map[string]Value, error) {
	if err := checkPath(path); err != nil {
		return nil, fmt.Errorf("look up attributes of %q: %w", path, err)
	}
	levels, err := m.levels(path)
	if err != nil {
		return nil, fmt.Errorf("look up attributes of %q: %w", path, err)
	}
	l := lookup{macros: macros(levels), found: map[string]Value{}, wanted: names}
	l.run(levels, target{path: path, fold: m.ignoreCase})
	return l.result(), nil
}

var errPath = errors.New("not a path inside the repository")

func checkPath(path string) error {
	for part := range strings.SplitSeq(strings.TrimSuffix(path, "/"), "/") {
		if part == "" || part == "." || part == ".." {
			return errPath
		}
	}
	return nil
}

// level is a file of attributes and the directory that its patterns start from.
type level struct {
	base string // "" or "dir/sub"
	file file
}

// levels returns all files that count for path, lowest precedence first.
func (m *Matcher) levels(path string) ([]level, error) {
	var out []level
	for _, f := range m.below {
		out = append(out, level{"", f})
	}
	path = strings.TrimSuffix(path, "/")
	for end := 0; end >= 0; {
		f, err := m.dir(path[:end])
		if err != nil {
			return nil, err
		}
		out = append(out, level{path[:end], f})
		end = nextSlash(path, end)
	}
	return append(out, level{"", m.info}), nil
}

// nextSlash returns the index of the first slash behind from, or -1.
func nextSlash(path string, from int) int {
	i := strings.IndexByte(path[from+1:], '/')
	if i < 0 {
		return -1
	}
	return from + 1 + i
}

// dir returns the parsed file of a directory. Errors are not kept.
func (m *Matcher) dir(dir string) (file, error) {
	m.mu.Lock()
	d := m.dirs[dir]
	if d == nil {
		d = &dirFile{}
		m.dirs[dir] = d
	}
	m.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.read {
		return d.file, nil
	}
	data, err := m.src(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return file{}, err
	}
	d.file, d.read = parse(data, dir == ""), true
	return d.file, nil
}
