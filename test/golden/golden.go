// Package golden compares Stemma with the real DataLad: the same shell script
// runs with both, each in a folder of its own, and what is there afterwards is
// compared: output, exit codes, commits, trees, work trees, configuration and
// location logs. It knows the two programs by their name on PATH only.
//
// A case is testdata/cases/NAME.sh. What DataLad did is kept in
// testdata/golden/NAME.txtar, one section for each aspect; a run with -update
// records it anew. In a script, datalad prints its command line before its
// output and "exit N" after it. Lines at the top of a script that begin with
// "# " and one of these words steer the comparison:
//
//	# newer SECTION: OLD => NEW    where the recorded DataLad 0.18 and the newer
//	                               one that Stemma follows differ: the first OLD
//	                               in the section reads NEW. \n is a newline.
//	# differs ROW SECTION: OLD => NEW    the same where Stemma does it otherwise
//	                               on purpose: for the reason in that row of
//	                               differences.md
//	# skip SECTION: REASON         the section is not compared
//
// A section is named by its last part (stdout, log, tree, …) or in full.
package golden

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

// Case is one script and what it says about the comparison.
type Case struct {
	Name   string
	Script string
	newer  []edit
	rows   []string          // of differences.md
	skip   map[string]string // section to reason
}

type edit struct{ section, old, new string }

// LoadCase reads a script.
func LoadCase(path string) (*Case, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c := &Case{
		Name:   strings.TrimSuffix(filepath.Base(path), ".sh"),
		Script: string(text),
		skip:   map[string]string{},
	}
	for _, line := range strings.Split(c.Script, "\n") {
		if !strings.HasPrefix(line, "#") {
			break
		}
		if err := c.directive(strings.TrimSpace(line[1:])); err != nil {
			return nil, fmt.Errorf("read case %s: %w", c.Name, err)
		}
	}
	return c, nil
}

func (c *Case) directive(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	if word == "differs" {
		row, more, _ := strings.Cut(rest, " ")
		c.rows, rest = append(c.rows, row), more
	}
	section, value, ok := strings.Cut(rest, ": ")
	switch {
	case word != "newer" && word != "skip" && word != "differs":
		return nil
	case !ok:
		return fmt.Errorf("no section in %q", line)
	case word == "skip":
		c.skip[section] = value
		return nil
	}
	from, to, ok := strings.Cut(value+" ", " => ")
	to = strings.TrimSuffix(to, " ")
	if !ok || from == "" {
		return fmt.Errorf("no OLD => NEW in %q", line)
	}
	unescape := strings.NewReplacer(`\n`, "\n")
	c.newer = append(c.newer, edit{section, unescape.Replace(from), unescape.Replace(to)})
	return nil
}

// Commands returns the names of the datalad commands that the script uses.
func (c *Case) Commands() []string {
	var names []string
	seen := map[string]bool{}
	for _, line := range strings.Split(c.Script, "\n") {
		words := strings.Fields(line)
		for i := 1; i < len(words); i++ {
			if words[i-1] != "datalad" {
				continue
			}
			for i < len(words) && strings.HasPrefix(words[i], "-") {
				if words[i] != "--cmd" && len(words[i]) == 2 || words[i] == "--on-failure" {
					i++ // an option with a value
				}
				i++
			}
			if i < len(words) && !seen[words[i]] {
				seen[words[i]] = true
				names = append(names, words[i])
			}
		}
	}
	return names
}

// Snapshot is what a script left, by section.
type Snapshot map[string]string

// Expected applies the case's edits to what DataLad did, and leaves out what
// is not compared. An edit that finds nothing is an error.
func (c *Case) Expected(recorded Snapshot) (Snapshot, error) {
	want := Snapshot{}
	for name, text := range recorded {
		want[name] = text
	}
	for _, e := range c.newer {
		found := false
		for name, text := range want {
			if names(e.section, name) && strings.Contains(text, e.old) {
				want[name], found = strings.Replace(text, e.old, e.new, 1), true
			}
		}
		if !found {
			return nil, fmt.Errorf("case %s: %q is not in what DataLad did (%s)", c.Name, e.old, e.section)
		}
	}
	return c.compared(want), nil
}

// compared leaves out the sections that the case skips.
func (c *Case) compared(s Snapshot) Snapshot {
	out := Snapshot{}
	for name, text := range s {
		keep := true
		for section := range c.skip {
			keep = keep && !names(section, name)
		}
		if names("annex", name) {
			text = sortLogs(text)
		}
		if keep {
			out[name] = text
		}
	}
	return out
}

// sortLogs sorts the lines of each log: git-annex orders them by ids, which
// are random. A log's path has no blank in it, its lines have.
func sortLogs(text string) string {
	lines := strings.SplitAfter(text, "\n")
	from := 0
	for i, line := range lines {
		if !strings.Contains(line, " ") {
			slices.Sort(lines[from:i])
			from = i + 1
		}
	}
	slices.Sort(lines[from:])
	return strings.Join(lines, "")
}

// names reports whether the section of a directive means the section name.
func names(section, name string) bool {
	return section == name || strings.HasSuffix(name, "/"+section)
}

// digest changes when the script does, directives aside.
func (c *Case) digest() string {
	var script strings.Builder
	for _, line := range strings.Split(c.Script, "\n") {
		if !strings.HasPrefix(line, "#") {
			script.WriteString(line + "\n")
		}
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(script.String())))
}

// ReadGolden reads what DataLad did. It fails if the script changed since.
func (c *Case) ReadGolden(dir string) (Snapshot, error) {
	archive, err := txtar.ParseFile(filepath.Join(dir, c.Name+".txtar"))
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(archive.Comment, []byte(c.digest())) {
		return nil, fmt.Errorf("case %s: the script changed since it was recorded; run go test ./test/golden -update", c.Name)
	}
	s := Snapshot{}
	for _, f := range archive.Files {
		s[f.Name] = string(f.Data)
	}
	return s, nil
}

// WriteGolden keeps what DataLad did.
func (c *Case) WriteGolden(dir string, s Snapshot) error {
	archive := &txtar.Archive{Comment: []byte("Recorded from DataLad for script " + c.digest() + "\n")}
	for _, name := range sortedKeys(s) {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(s[name])})
	}
	return os.WriteFile(filepath.Join(dir, c.Name+".txtar"), txtar.Format(archive), 0o644)
}
