package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

// modulesFile is where git and DataLad register subdatasets.
const modulesFile = ".gitmodules"

// Module is one registered subdataset (gitmodules(5)).
type Module struct {
	Name string
	Path string // relative to the top, slash separated
	// Properties are all settings of its block, in their order: path, url,
	// datalad-id, and what else is there.
	Properties [][2]string
}

// Get returns a property, or "".
func (m *Module) Get(name string) string {
	value := ""
	for _, p := range m.Properties {
		if p[0] == name {
			value = p[1]
		}
	}
	return value
}

// Modules lists the registered subdatasets in the order of .gitmodules as it
// is in the work tree.
func (d *Dataset) Modules() ([]Module, error) {
	text, err := d.readModules()
	if err != nil {
		return nil, err
	}
	return parseModules(text)
}

// maxModules bounds .gitmodules, in bytes.
const maxModules = 256 << 20

// readModules reads .gitmodules; like git it follows no symlink there.
func (d *Dataset) readModules() (string, error) {
	path := d.Repo.Path(modulesFile)
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxModules {
		return "", fmt.Errorf("read subdatasets: %s is not a plain file", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// parseModules leaves out what git leaves out as well: names from which a path
// could be made that leads out of a repository, and paths and addresses that
// could be taken for an option.
func parseModules(text string) ([]Module, error) {
	cfg, err := git.ParseConfigFile(text)
	if err != nil {
		return nil, errs.WithHint(fmt.Errorf("read %s: %w", modulesFile, err), "correct the file")
	}
	const prefix = "submodule."
	var list []Module
	at := map[string]int{}
	for key, value := range cfg.Settings() {
		dot := strings.LastIndexByte(key, '.')
		if dot < len(prefix) || key[:len(prefix)] != prefix {
			continue
		}
		name, property := key[len(prefix):dot], key[dot+1:]
		if suspiciousModule(name) || (property == "path" || property == "url") && strings.HasPrefix(value, "-") {
			continue
		}
		i, ok := len(list)-1, len(list) > 0 && list[len(list)-1].Name == name // mostly it goes on with the same
		if !ok {
			i, ok = at[name]
		}
		if !ok {
			i, at[name] = len(list), len(list)
			list = append(list, Module{Name: name})
		}
		m := &list[i]
		m.set(property, value)
		if property == "path" {
			m.Path = value
		}
	}
	return list, nil
}

func suspiciousModule(name string) bool {
	parts := strings.FieldsFunc(name, func(c rune) bool { return c == '/' || c == '\\' })
	return name == "" || slices.Contains(parts, "..")
}

// set gives a property its value, which replaces an earlier one.
func (m *Module) set(property, value string) {
	for i := range m.Properties {
		if m.Properties[i][0] == property {
			m.Properties[i][1] = value
			return
		}
	}
	m.Properties = append(m.Properties, [2]string{property, value})
}

// block is the module's text for .gitmodules.
func (m *Module) block() string {
	return section(m.Name, m.Properties)
}

// section writes a block as DataLad does.
func section(name string, properties [][2]string) string {
	var b strings.Builder
	b.WriteString("[submodule " + quoteSubsection(name) + "]\n")
	for _, p := range properties {
		b.WriteString("\t" + p[0] + " = " + moduleQuote(p[1]) + "\n")
	}
	return b.String()
}

var escapeModule = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func quoteSubsection(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}

// moduleQuote quotes no more than is needed, as DataLad does.
func moduleQuote(v string) string {
	quoted := escapeModule.Replace(v)
	if v == "" || strings.ContainsAny(v, "#;") || strings.Trim(v, " \t") != v {
		return `"` + quoted + `"`
	}
	return quoted
}

// withoutModules cuts the blocks of the modules at the paths out of the text.
func withoutModules(text string, paths map[string]bool) (string, error) {
	list, err := parseModules(text)
	if err != nil {
		return "", err
	}
	gone := map[string]bool{}
	for _, m := range list {
		if paths[m.Path] {
			gone[m.Name] = true
		}
	}
	var b strings.Builder
	cut := false
	for _, line := range strings.SplitAfter(text, "\n") {
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), "[") {
			cut = gone[headerName(line)]
		}
		if !cut {
			b.WriteString(line)
		}
	}
	return b.String(), nil
}

// headerName is the module that a line begins the block of, or "".
func headerName(line string) string {
	end := strings.LastIndexByte(line, ']')
	if end < 0 {
		return ""
	}
	list, err := parseModules(line[:end+1] + "\n\tx = y\n")
	if err != nil || len(list) != 1 {
		return ""
	}
	return list[0].Name
}

// updateModules registers the items that ask for it, in .gitmodules and in the
// repository's own configuration, and takes out subdatasets that are deleted.
// Where any subdataset changed, .gitmodules becomes an item, too.
func (d *Dataset) updateModules(items []*item) ([]*item, error) {
	var added []*Module
	removed := map[string]bool{}
	touched := false
	for _, it := range items {
		if it.err != nil || it.skip {
			continue
		}
		if it.module != nil {
			added = append(added, it.module)
		}
		if it.file.Remove && (it.Mode == gitobj.ModeGitlink || it.PrevMode == gitobj.ModeGitlink) {
			removed[it.Path] = true
		}
		touched = touched || it.file.Mode == gitobj.ModeGitlink || removed[it.Path]
	}
	if !touched {
		return items, nil
	}
	if err := d.rewriteModules(added, removed); err != nil {
		return nil, err
	}
	it, err := d.modulesItem()
	if err != nil || it == nil {
		return items, err
	}
	kept := items[:0:0]
	for _, other := range items {
		if other.Path != modulesFile {
			kept = append(kept, other)
		}
	}
	return append(kept, it), nil
}

// rewriteModules changes .gitmodules and the configuration. What is there
// already is not added twice.
func (d *Dataset) rewriteModules(added []*Module, removed map[string]bool) error {
	_, err := d.editModules(func(text string) (string, error) {
		var err error
		if len(removed) > 0 {
			if text, err = withoutModules(text, removed); err != nil {
				return "", err
			}
		}
		return withModules(text, added)
	})
	if err != nil {
		return fmt.Errorf("register subdatasets: %w", err)
	}
	var own strings.Builder
	for _, m := range added {
		if _, ok := d.Repo.Config.Lookup("submodule." + m.Name + ".url"); !ok {
			own.WriteString(section(m.Name, [][2]string{{"active", "true"}, {"url", m.Get("url")}}))
		}
	}
	if own.Len() == 0 {
		return nil
	}
	return d.Repo.AppendConfig(own.String())
}

// editModules gives .gitmodules the text that edit makes of it, unless that is the
// same. Other processes do not edit meanwhile.
func (d *Dataset) editModules(edit func(text string) (string, error)) (changed bool, err error) {
	edited := func() (text string, err error) {
		old, err := d.readModules()
		if err != nil {
			return "", err
		}
		text, err = edit(old)
		changed = err == nil && text != old
		return text, err
	}
	if _, err := edited(); err != nil || !changed { // then nobody is to be waited for
		return false, err
	}
	err = d.Repo.Exclusively(modulesFile, func() error {
		text, err := edited()
		if err != nil || !changed {
			return err
		}
		return fsx.WriteFileVia(commit.TempDir(d.Repo), d.Repo.Path(modulesFile), []byte(text), 0o666)
	})
	return changed, err
}

// withModules adds blocks of subdatasets that have none.
func withModules(text string, added []*Module) (string, error) {
	list, err := parseModules(text)
	if err != nil {
		return "", err
	}
	known := map[string]bool{}
	for _, m := range list {
		known[m.Path] = true
	}
	for _, m := range added {
		if known[m.Path] {
			continue
		}
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text += m.block()
	}
	return text, nil
}

// modulesItem stages .gitmodules as it is, or nil where there is none.
func (d *Dataset) modulesItem() (*item, error) {
	text, err := d.readModules()
	if err != nil {
		return nil, err
	}
	fi, err := os.Lstat(d.Repo.Path(modulesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &item{
		Change: Change{Path: modulesFile, State: Modified, WorkTree: true},
		file:   commit.File{Path: modulesFile, Mode: fileMode(fi), Data: []byte(text), Stat: gitindex.StatOf(fi)},
		record: d.record("add", modulesFile, result.File),
	}, nil
}

// sortAdds brings the records into DataLad's order: subdatasets, .gitmodules
// for their sake, then files as they are.
func (d *Dataset) sortAdds(adds []result.Record) {
	rank := func(r result.Record) int {
		_, hasKey := r.Fields["key"]
		switch {
		case r.Type == result.Dataset:
			return 0
		case !hasKey && r.Path == d.Repo.Path(modulesFile):
			return 1
		}
		return 2
	}
	sort.SliceStable(adds, func(i, j int) bool {
		return rank(adds[i]) < rank(adds[j])
	})
}
