package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
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
