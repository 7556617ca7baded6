package addurls

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/gitobj"
)

// entry is one file that shall be there.
type entry struct {
	row    int // of the table
	url    string
	file   string // from the top dataset, with slashes
	sub    string // the subdataset that it is in; "" for the top
	meta   map[string]string
	key    *wantedKey
	ignore bool // another row with the same name counts
}

// plan is what a table asks for.
type plan struct {
	entries []*entry
	subs    []string // subdatasets, a parent before its children
	dropped int      // rows without a URL
}

// newPlan fills the templates for all rows.
func newPlan(ctx context.Context, t *Table, opt *Options) (*plan, error) {
	f := &formatter{headers: t.headers, missing: opt.Missing}
	meta, err := metaTemplates(t, opt)
	if err != nil {
		return nil, err
	}
	p, named := &plan{}, namer{f: f, template: opt.FileFormat, seen: map[string]int{}}
	subs := map[string]bool{}
	for i, row := range t.rows {
		e := &entry{row: i}
		if e.url, err = f.format(opt.URLFormat, "URL", row); err != nil {
			return nil, err
		}
		if e.url == "" || e.url == opt.Missing {
			p.dropped++
			continue
		}
		if e.meta, err = f.metadata(meta, row); err != nil {
			return nil, err
		}
		if opt.Key != "" {
			if e.key, err = f.keyOf(opt.Key, row); err != nil {
				return nil, err
			}
		}
		p.entries = append(p.entries, e)
	}
	if err := named.ask(ctx, p, opt); err != nil {
		return nil, err
	}
	for _, e := range p.entries {
		name, err := named.name(t.rows[e.row], e)
		if err != nil {
			return nil, err
		}
		if err := e.place(name, subs); err != nil {
			return nil, err
		}
	}
	p.subs = slices.SortedFunc(maps.Keys(subs), byDepth)
	return p, nil
}

func byDepth(a, b string) int {
	if d := strings.Count(a, "/") - strings.Count(b, "/"); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// metaTemplates are those that the user gave, and one for each column.
func metaTemplates(t *Table, opt *Options) ([]string, error) {
	list := slices.Clone(opt.Meta)
	if opt.ExcludeSet && (opt.Exclude == "*" || opt.Exclude == "") || len(t.rows) == 0 {
		return list, nil
	}
	var exclude *regexp.Regexp
	if opt.Exclude != "" {
		var err error
		if exclude, err = regexp.Compile(opt.Exclude); err != nil {
			return nil, fmt.Errorf("exclude-autometa: %w", err)
		}
	}
	urlColumn := columnOf(opt.URLFormat, t.headers)
	for _, c := range slices.Sorted(maps.Keys(t.rows[0])) {
		if c == urlColumn || !legalField().MatchString(c) || exclude != nil && exclude.MatchString(c) {
			continue
		}
		list = append(list, c+"={"+c+"}")
	}
	return list, nil
}

var legalField = compiled(`^[a-zA-Z0-9][a-zA-Z0-9_-]*$`)

// columnOf is the column that a template consists of, or "".
func columnOf(template string, headers []string) string {
	list := names(template)
	if len(list) != 1 || template[0] != '{' || strings.IndexByte(template, '}') != len(template)-1 {
		return ""
	}
	for i, h := range headers {
		if list[0] == fmt.Sprint(i) {
			return h
		}
	}
	return list[0]
}

// metadata fills the templates; empty values are left out.
func (f *formatter) metadata(templates []string, row map[string]any) (map[string]string, error) {
	meta := map[string]string{}
	for _, t := range templates {
		text, err := f.format(t, "metadata", row)
		if err != nil {
			return nil, err
		}
		name, value, ok := strings.Cut(text, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok:
			return nil, errors.New("meta argument isn't in 'field=value' format")
		case name == "":
			return nil, errors.New("Empty field name")
		case value == "":
			continue
		}
		if err := annexlog.CheckMetaField(name); err != nil {
			return nil, err
		}
		meta[name] = value
	}
	return meta, nil
}

// namer makes file names and counts those that repeat.
type namer struct {
	f        *formatter
	template string
	seen     map[string]int
	files    map[string]string // names of the files at URLs
	pretend  bool              // there are no such names: others stand for them
}

// ask finds the names of the files, if the template has them.
func (n *namer) ask(ctx context.Context, p *plan, opt *Options) (err error) {
	if !usesFileName(n.template) {
		return nil
	}
	if n.pretend = opt.DryRun; n.pretend {
		return nil
	}
	var addresses []string
	for _, e := range p.entries {
		addresses = append(addresses, e.url)
	}
	n.files, err = fileNames(ctx, addresses, opt.FileName)
	return err
}

func (n *namer) name(row map[string]any, e *entry) (string, error) {
	row = maps.Clone(row)
	maps.Copy(row, urlParts(e.url))
	if n.pretend {
		maps.Copy(row, standIns(e.row))
	} else if n.files != nil {
		file := n.files[e.url]
		if file == "" {
			return "", fmt.Errorf("%s does not contain a filename", e.url)
		}
		maps.Copy(row, fileParts(file, filePrefix))
	}
	row["_repindex"] = "0"
	name, err := n.f.format(n.template, "file name", row)
	if err != nil {
		return "", err
	}
	last, again := n.seen[name]
	if !again {
		n.seen[name] = 0
		return name, nil
	}
	n.seen[name] = last + 1
	row["_repindex"] = fmt.Sprint(last + 1)
	return n.f.format(n.template, "file name", row)
}

// place takes the name apart: "//" ends a subdataset. Names come from a table
// that may be a stranger's: those that lead elsewhere are refused.
func (e *entry) place(name string, subs map[string]bool) error {
	parts := strings.Split(name, "//")
	for i := range parts {
		if !plainPath(parts[i]) {
			return fmt.Errorf("row %d gives no file name inside of the dataset: %q", e.row+1, name)
		}
		sub := path.Join(parts[:i]...)
		if i > 0 {
			subs[sub], e.sub = true, sub
		}
	}
	e.file = strings.Join(parts, "/")
	return nil
}

// plainPath says that a path stays below where it starts and names no git
// folder.
func plainPath(p string) bool {
	for _, w := range strings.Split(p, "/") {
		if w == "" || w == "." || w == ".." || gitobj.IsDotGit(w) || strings.ContainsAny(w, "\x00\n") {
			return false
		}
	}
	return true
}
