package siblings

import (
	"context"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/annexlog"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/fsx"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/remote"
	"github.com/stemma-data/stemma/internal/result"
)

// Here is the name of the dataset itself among its siblings.
const Here = "here"

// facts are what the git-annex branch says about repositories.
type facts struct {
	descriptions, wanted, required, groups annexlog.Log
	groupWanted                            annexlog.Log
	specials                               map[string]Special
}

// readFacts reads what is known, once for all siblings.
func readFacts(ctx context.Context, d *dataset.Dataset) (*facts, error) {
	f := &facts{specials: map[string]Special{}}
	if d.Annex == nil {
		return f, nil
	}
	for file, log := range map[string]*annexlog.Log{
		annexlog.UUIDFile: &f.descriptions, annexlog.PreferredContentFile: &f.wanted,
		annexlog.RequiredContentFile: &f.required, annexlog.GroupFile: &f.groups,
	} {
		data, err := d.Annex.ReadLog(ctx, file)
		if err != nil {
			return nil, err
		}
		*log = annexlog.ParseUUIDLog(data)
	}
	data, err := d.Annex.ReadLog(ctx, annexlog.GroupPreferredContentFile)
	if err != nil {
		return nil, err
	}
	f.groupWanted = annexlog.ParseMapLog(data)
	list, err := Specials(ctx, d)
	for _, s := range list {
		f.specials[s.UUID] = s
	}
	return f, err
}

// Record describes a sibling with all that is known of it.
func Record(ctx context.Context, d *dataset.Dataset, action, name string) (result.Record, error) {
	f, err := readFacts(ctx, d)
	return f.record(d, action, name, true), err
}

func (f *facts) record(d *dataset.Dataset, action, name string, annexInfo bool) result.Record {
	r := result.New(action, result.OK, d.Path(), result.Sibling).Ref(d.Path()).With("name", name)
	cfg := d.Repo.Config
	if name == Here {
		for key, field := range map[string]string{"annex.uuid": "annex-uuid", "core.bare": "annex-bare", "annex.version": "annex-version"} {
			if v, ok := cfg.Lookup(key); ok {
				r = r.With(field, v)
			}
		}
	} else {
		r = withSettings(r, cfg, name)
	}
	if d.Annex == nil {
		return r
	}
	if annexInfo {
		r = f.annexInfo(d, r, name)
	}
	return r
}

// withSettings adds git's settings of the remote.
func withSettings(r result.Record, cfg *git.Config, name string) result.Record {
	prefix := "remote." + name + "."
	for _, key := range cfg.Keys(prefix) {
		field := strings.TrimPrefix(key, prefix)
		if strings.Contains(field, ".") {
			continue // of another remote, NAME.field
		}
		all := cfg.All(key)
		if len(all) == 1 {
			r = r.With(field, all[0])
			continue
		}
		values := make([]any, len(all))
		for i, v := range all {
			values[i] = v
		}
		r = r.With(field, values)
	}
	return r
}

// annexInfo adds what the git-annex branch says.
func (f *facts) annexInfo(d *dataset.Dataset, r result.Record, name string) result.Record {
	uuid := r.String("annex-uuid")
	if name == Here {
		if n, ok := freeSpace(d); ok {
			r = r.With("available_local_disk_space", n)
		}
	}
	if uuid != "" {
		if text := f.description(uuid, name); text != "" {
			r = r.With("annex-description", text)
		}
	}
	if name != Here && d.Repo.Config.Bool("remote."+name+".annex-ignore", false) {
		r = r.With("annex-ignore", true)
	} else if uuid != "" {
		r = f.policy(r, uuid)
	}
	if s, ok := f.specials[uuid]; ok {
		for k, v := range s.Config {
			r = r.With("annex-"+k, v)
		}
		r = r.With("annex-timestamp", s.stamp)
	}
	return r
}

// description is git-annex's text for a repository.
func (f *facts) description(uuid, name string) string {
	e, known := f.descriptions.Get(uuid)
	switch {
	case name == Here:
		return e.Value
	case !known || e.Value == "":
		return name
	case e.Value == name:
		return "[" + name + "]"
	}
	return e.Value + " [" + name + "]"
}

func (f *facts) policy(r result.Record, uuid string) result.Record {
	for field, log := range map[string]annexlog.Log{"annex-wanted": f.wanted, "annex-required": f.required, "annex-group": f.groups} {
		if e, ok := log.Get(uuid); ok && e.Value != "" {
			r = r.With(field, e.Value)
		}
	}
	if e, ok := f.groups.Get(uuid); ok {
		if w, ok := f.groupWanted.Get(e.Value); ok && w.Value != "" {
			r = r.With("annex-groupwanted", w.Value)
		}
	}
	return r
}

func freeSpace(d *dataset.Dataset) (int64, bool) {
	free, ok := fsx.Free(d.Path())
	return max(free-remote.DiskReserve(d.Repo.Config), 0), ok
}

// Names lists the siblings of a dataset in the order of git's configuration.
func Names(d *dataset.Dataset) []string {
	return slices.DeleteFunc(remoteNames(d.Repo.Config), func(name string) bool {
		for _, v := range []string{"url", "pushurl", "annex-uuid", "fetch"} {
			if _, ok := d.Repo.Config.Lookup("remote." + name + "." + v); ok {
				return false
			}
		}
		return true
	})
}
