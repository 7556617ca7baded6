package git

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// ConfigEdit changes one variable of a configuration file.
type ConfigEdit struct {
	Key    string // section.variable or section.subsection.variable
	Value  string
	Remove bool // take all values of Key out
	Add    bool // another value beside those that are there
}

// ErrNoSuchKey says that a variable to remove is not there.
var ErrNoSuchKey = errors.New("no such configuration variable")

var configKey = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9-]+(\.[^\n\x00]*)?\.[A-Za-z][A-Za-z0-9-]*$`)
})

// ValidConfigKey reports whether git takes key for the name of a variable.
func ValidConfigKey(key string) bool { return configKey().MatchString(key) }

// EditConfigText applies edits to the text of a configuration file as
// `git config` does: a new value stands at the place of the last old one, or at
// the end of its section; everything else stays as it is. It returns
// ErrNoSuchKey where a variable to remove is not there.
func EditConfigText(text string, edits ...ConfigEdit) (string, error) {
	for _, e := range edits {
		if !ValidConfigKey(e.Key) {
			return "", fmt.Errorf("configuration: %q is no name of a variable", e.Key)
		}
		if strings.ContainsRune(e.Value, 0) {
			return "", fmt.Errorf("configuration: the value of %s has a NUL in it", e.Key)
		}
		items, err := configItems(text)
		if err != nil {
			return "", err
		}
		if text, err = e.apply(text, items); err != nil {
			return "", err
		}
	}
	return text, nil
}

// configItem is a section header (key "") or a variable in a file.
type configItem struct {
	section    string // canonical
	key        string // canonical, in full
	start, end int    // in the text; the end of a variable includes its newline
}

func configItems(text string) ([]configItem, error) {
	p := configParser{text: text}
	if strings.HasPrefix(text, "\ufeff") {
		p.pos = len("\ufeff")
	}
	var items []configItem
	for !p.atEnd() {
		start := p.pos
		switch c := p.peek(); {
		case c == '#' || c == ';':
			p.skipLine()
		case c == '[':
			p.take()
			if err := p.readSection(); err != nil {
				return nil, fmt.Errorf("configuration line %d: %w", p.line(), err)
			}
			items = append(items, configItem{section: p.section, start: start, end: p.pos})
		case isBlank(c) || c == '\n':
			p.take()
		default:
			key, _, err := p.readVariable()
			if err != nil {
				return nil, fmt.Errorf("configuration line %d: %w", p.line(), err)
			}
			items = append(items, configItem{section: p.section, key: canonicalKey(key), start: start, end: p.pos})
		}
	}
	return items, nil
}

func (e ConfigEdit) apply(text string, items []configItem) (string, error) {
	key := canonicalKey(e.Key)
	section := key[:strings.LastIndexByte(key, '.')]
	var hits []configItem
	last := -1 // of the section
	for i, it := range items {
		if it.key == key {
			hits = append(hits, it)
		}
		if it.section == section {
			last = i
		}
	}
	switch {
	case e.Remove && len(hits) == 0:
		return "", fmt.Errorf("%s: %w", e.Key, ErrNoSuchKey)
	case e.Remove:
		return dropEmpty(cutItems(text, hits, ""), section)
	case len(hits) > 0 && !e.Add:
		return cutItems(text, hits, e.line()), nil
	case last >= 0:
		at := items[last].end
		if at < len(text) && text[at] == '\n' && text[at-1] != '\n' {
			at++ // the line of a header
		}
		return joinLines(text[:at], e.line(), text[at:]), nil
	}
	return joinLines(text, sectionHeader(e.Key)+e.line(), ""), nil
}

// cutItems takes variables out of the text; the last one makes place for line.
func cutItems(text string, hits []configItem, line string) string {
	var b strings.Builder
	from := 0
	for i, h := range hits {
		start := h.start
		for start > from && isBlank(text[start-1]) {
			start--
		}
		b.WriteString(text[from:start])
		from = h.end
		if i == len(hits)-1 {
			return joinLines(b.String(), line, text[from:])
		}
	}
	return text
}

// joinLines puts a line between two parts of a text, on a line of its own.
func joinLines(before, line, after string) string {
	if line != "" && before != "" && !strings.HasSuffix(before, "\n") {
		before += "\n"
	}
	return before + line + after
}

// dropEmpty takes out headers of the section below which there is nothing.
func dropEmpty(text, section string) (string, error) {
	items, err := configItems(text)
	if err != nil {
		return "", err
	}
	for i := len(items) - 1; i >= 0; i-- {
		it := items[i]
		if it.key != "" || it.section != section {
			continue
		}
		end := len(text)
		if i+1 < len(items) {
			end = items[i+1].start
			if items[i+1].key != "" {
				continue
			}
		}
		if strings.TrimSpace(text[it.end:end]) == "" {
			text = text[:it.start] + text[end:]
		}
	}
	return text, nil
}

// sectionHeader begins the section of a key, as git writes it.
func sectionHeader(key string) string {
	name := key[:strings.LastIndexByte(key, '.')]
	first, sub, ok := strings.Cut(name, ".")
	if !ok {
		return "[" + first + "]\n"
	}
	return "[" + first + ` "` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(sub) + "\"]\n"
}

func (e ConfigEdit) line() string {
	return "\t" + e.Key[strings.LastIndexByte(e.Key, '.')+1:] + " = " + quoteConfig(e.Value) + "\n"
}

// quoteConfig quotes a value where git would.
func quoteConfig(v string) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(v)
	if strings.ContainsAny(v, ";#\r") || strings.HasPrefix(v, " ") || strings.HasSuffix(v, " ") {
		return `"` + quoted + `"`
	}
	return quoted
}

// EditConfigFile applies edits to a file under git's lock for it. A file that
// is missing is made. Files that guard the edit lie in stateDir meanwhile.
func EditConfigFile(path, stateDir string, edits ...ConfigEdit) error {
	return replaceConfig(path, stateDir, nil, func(old string) (string, error) { return EditConfigText(old, edits...) })
}

// EditConfig changes the repository's own configuration file. What this Repo
// has read already stays as it is.
func (r *Repo) EditConfig(edits ...ConfigEdit) error {
	return EditConfigFile(filepath.Join(r.CommonDir, "config"), r.CommonDir, edits...)
}
