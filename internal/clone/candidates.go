package clone

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/pyfmt"
)

// Costs of the places where a subdataset may be found, DataLad's.
const (
	costRecorded = 590 // the source that the user once cloned it from
	costModule   = 600 // the URL in .gitmodules, seen from a remote
	costBelow    = 650 // below a remote of the superdataset
	costTemplate = 700 // a template without a cost of its own
	costHere     = 900 // the URL in .gitmodules, seen from here
)

const templatePrefix = "datalad.get.subdataset-source-candidate-"

// candidate is one place where a subdataset may be found.
type candidate struct {
	cost int
	url  string
	key  string // of the template's setting, or ""
}

// parent is a dataset whose subdatasets are obtained.
type parent struct {
	d        *dataset.Dataset
	modules  map[string]dataset.Module // by path
	tracking string                    // the remote of the branch; "" for none
	remotes  []string                  // with a URL, in the order of configuration
}

func newParent(ctx context.Context, d *dataset.Dataset) (*parent, error) {
	p := &parent{d: d, modules: map[string]dataset.Module{}}
	list, err := d.Modules()
	if err != nil {
		return nil, err
	}
	for _, m := range list {
		p.modules[m.Path] = m
	}
	if p.tracking, _, err = d.Repo.Tracking(ctx); err != nil {
		return nil, err
	}
	for _, key := range d.Repo.Config.Keys("remote.") {
		if name, ok := strings.CutSuffix(strings.TrimPrefix(key, "remote."), ".url"); ok && !slices.Contains(p.remotes, name) {
			p.remotes = append(p.remotes, name)
		}
	}
	return p, nil
}

// candidates lists where the subdataset at rel may be found, cheapest first.
func (p *parent) candidates(ctx context.Context, rel string) ([]candidate, error) {
	m := p.modules[rel]
	var list []candidate
	remotes, err := p.holders(ctx, rel)
	if err != nil {
		return nil, err
	}
	values := properties(m, rel)
	for _, name := range remotes {
		base := p.d.Repo.Config.Get("remote." + name + ".url")
		values["remoteurl-"+name] = base
		below := rel
		if isURL(base) {
			below = (&url.URL{Path: rel}).EscapedPath()
		}
		list = append(list, candidate{cost: costBelow, url: resolve(below, base)})
		if u := m.Get("url"); u != "" {
			list = append(list, candidate{cost: costModule, url: resolve(u, base)})
		}
	}
	list = append(list, p.templates(values)...)
	if u := m.Get("url"); u != "" {
		if here := resolve(u, p.d.Path()); here != p.d.Repo.Path(filepath.FromSlash(rel)) {
			list = append(list, candidate{cost: costHere, url: here})
		}
	}
	if u := m.Get("datalad-url"); u != "" {
		list = append(list, candidate{cost: costRecorded, url: u})
	}
	return p.order(list, rel), nil
}

// order sorts by cost and leaves out what comes twice.
func (p *parent) order(list []candidate, rel string) []candidate {
	sort.SliceStable(list, func(i, j int) bool { return list[i].cost < list[j].cost })
	seen := map[string]bool{p.d.Repo.Path(filepath.FromSlash(rel)): true}
	kept := list[:0]
	for _, c := range list {
		if !seen[c.url] {
			seen[c.url] = true
			kept = append(kept, c)
		}
	}
	return kept
}

// holders are the remotes that may have the subdataset: the one that the
// branch tracks, then those that have the commit in which it last changed.
func (p *parent) holders(ctx context.Context, rel string) ([]string, error) {
	var list []string
	if p.tracking != "" && p.d.Repo.Config.Get("remote."+p.tracking+".url") != "" {
		list = append(list, p.tracking)
	}
	if len(p.remotes) == len(list) {
		return list, nil // nothing that could be added
	}
	last, err := p.d.Repo.Output(ctx, "log", "-1", "--format=%H", "HEAD", "--", ":(literal)"+rel)
	id := strings.TrimSpace(string(last))
	if err != nil || id == "" {
		return list, err
	}
	refs, err := p.d.Repo.Output(ctx, "for-each-ref", "--contains="+id, "--format=%(refname)", "refs/remotes/")
	if err != nil {
		return nil, err
	}
	for _, name := range p.remotes {
		if !slices.Contains(list, name) && strings.Contains("\n"+string(refs), "\nrefs/remotes/"+name+"/") {
			list = append(list, name)
		}
	}
	return list, nil
}

// properties are what a template can name.
func properties(m dataset.Module, rel string) map[string]any {
	values := map[string]any{"path": rel, "path_basename": path.Base(rel)}
	for _, p := range m.Properties {
		name := strings.ReplaceAll(p[0], "datalad-id", "id")
		values[name] = p[1]
	}
	return values
}

// templates makes candidates of the settings.
func (p *parent) templates(values map[string]any) []candidate {
	var list []candidate
	for _, key := range unique(p.d.ConfigKeys(templatePrefix)) {
		name := strings.TrimPrefix(key, templatePrefix)
		text, err := pyfmt.Format(p.d.Config(key), pyfmt.Values(values))
		if err != nil {
			p.d.Env.Log.Warn(fmt.Sprintf("Failed to format template '%s' for a submodule clone. Error: %v", p.d.Config(key), err))
			continue
		}
		c := candidate{cost: costTemplate, url: text, key: key}
		if len(name) >= 3 {
			if n, err := strconv.Atoi(name[:3]); err == nil && n >= 0 {
				c.cost = n
			}
		}
		list = append(list, c)
	}
	return list
}

func unique(list []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			kept = append(kept, s)
		}
	}
	return kept
}

// resolve joins an address that is relative to that of a repository; others
// stay as they are.
func resolve(address, base string) string {
	if isURL(address) || isSCP(address) || filepath.IsAbs(address) || strings.HasPrefix(address, "~") {
		return address
	}
	suffix := ""
	if rest, ok := strings.CutSuffix(base, "/.git"); ok {
		base, suffix = rest, ".git"
	}
	switch {
	case isURL(base):
		scheme, rest, _ := strings.Cut(base, "://")
		host, p, _ := strings.Cut(rest, "/")
		return scheme + "://" + host + path.Join("/", p, address, suffix)
	case isSCP(base):
		host, p, _ := strings.Cut(base, ":")
		return host + ":" + path.Join(p, address, suffix)
	}
	return path.Join(base, address, suffix)
}

// inherit gives the templates by which a subdataset was found, where they are
// settings of the superdataset itself, to the subdataset.
func (p *parent) inherit(used []candidate, sub *dataset.Dataset) error {
	var edits []git.ConfigEdit
	for _, c := range used {
		if c.key == "" || sub.Config(c.key) != "" || !p.d.Repo.Config.Local(c.key) && p.d.BranchConfig(c.key) == "" {
			continue
		}
		edits = append(edits, git.Set(c.key, p.d.Config(c.key)))
	}
	return sub.Repo.SetConfig(edits...)
}
