package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strings"

	"github.com/stemma-data/stemma/internal/commit"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/gitindex"
	"github.com/stemma-data/stemma/internal/gitobj"
	"github.com/stemma-data/stemma/internal/result"
)

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
		file:   commit.File{Path: modulesFile, Mode: d.FileMode(fi, gitobj.ModeFile), Data: []byte(text), Stat: gitindex.StatOf(fi)},
		record: d.Record("add", modulesFile, result.File),
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
