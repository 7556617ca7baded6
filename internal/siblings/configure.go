package siblings

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/result"
)

// Settings are what a sibling is given. Empty ones stay as they are.
type Settings struct {
	Name         string
	URL, PushURL string
	Fetch        bool
	Description  string
	CommonSource string   // name of a special remote that others get by themselves
	Depends      []string // siblings that are published to first
	Push         []string // refspecs that are pushed by default
	Wanted       *string  // expressions and group of git-annex
	Required     *string
	Group        *string
	GroupWanted  string
	Inherit      bool // take what is not given from the superdataset's sibling of that name
}

// Add makes a new sibling known.
func Add(ctx context.Context, d *dataset.Dataset, s Settings, sink result.Sink) error {
	if s.URL == "" {
		s.URL = s.PushURL
	}
	if s.URL == "" {
		return errs.WithExit(fmt.Errorf("insufficient information to add a sibling (needs at least a dataset, and any URL)."), errs.ExitUsage)
	}
	if s.Name == "" {
		if s.Name = hostOf(s.URL); s.Name == "" {
			return errs.WithExit(fmt.Errorf("cannot derive a default remote name from '%s', please specify a name.", s.URL), errs.ExitUsage)
		}
	}
	if err := CheckNewName(s.Name); err != nil {
		return err
	}
	if slices.Contains(Names(d), s.Name) {
		r := result.New("add-sibling", result.Error, d.Path(), result.Sibling).Ref(d.Path()).With("name", s.Name)
		return sink.Emit(r.With("message", result.Tuple{"sibling is already known: %s, use `configure` instead?", s.Name}))
	}
	if s.CommonSource == s.Name {
		return fmt.Errorf("Sibling name (%s) and common data source name (%s) can not be identical.", s.Name, s.CommonSource)
	}
	return s.apply(ctx, d, "add-sibling", sink)
}

// Configure changes a sibling, or makes it known.
func Configure(ctx context.Context, d *dataset.Dataset, s Settings, sink result.Sink) error {
	if s.Name == "" {
		r := result.New("configure-sibling", result.Error, d.Path(), result.Sibling).Ref(d.Path()).With("name", nil)
		return sink.Emit(r.Msg("need sibling `name` for configuration"))
	}
	return s.apply(ctx, d, "configure-sibling", sink)
}

// hostOf is the host in an address, or "".
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" && u.Host != "" {
		return u.Hostname()
	}
	host, _, ok := strings.Cut(address, ":")
	if !ok || strings.Contains(host, "/") {
		return ""
	}
	return host[strings.LastIndexByte(host, '@')+1:]
}

// apply does what Settings say and reports the sibling as it is then.
func (s Settings) apply(ctx context.Context, d *dataset.Dataset, action string, sink result.Sink) error {
	failed := result.New(action, result.Error, d.Path(), result.Sibling).Ref(d.Path()).With("name", s.Name)
	if err := d.EnsureAnnex(ctx); err != nil { // of a clone that git has made
		return err
	}
	if err := s.check(ctx, d); err != nil {
		return err
	}
	if s.Name != Here {
		if why, err := s.remote(ctx, d, sink); err != nil || why != nil {
			if err == nil {
				err = sink.Emit(failed.With("message", why))
			}
			return err
		}
	}
	if s.Description != "" && d.Annex == nil {
		return sink.Emit(failed.As(result.Impossible).Msg("cannot set description of a plain Git repository"))
	}
	if why, err := s.policy(ctx, d); err != nil || why != "" {
		if err == nil {
			err = sink.Emit(failed.Msg(why))
		}
		return err
	}
	if s.CommonSource != "" {
		if err := s.common(ctx, d, failed, sink); err != nil {
			return err
		}
	}
	r, err := Record(ctx, d, action, s.Name)
	if err != nil {
		return err
	}
	return sink.Emit(r)
}

// remote sets git's configuration. why is a message for a record.
func (s Settings) remote(ctx context.Context, d *dataset.Dataset, sink result.Sink) (why any, err error) {
	if err := CheckName(s.Name); err != nil {
		return nil, err
	}
	for _, u := range []string{s.URL, s.PushURL} {
		if err := git.CheckURL(u); u != "" && err != nil {
			return nil, err
		}
	}
	known := Names(d)
	if s.URL == "" && !slices.Contains(known, s.Name) {
		return "unknown sibling name; give its address: --url URL", nil
	}
	if why := s.unknownDepends(known); why != nil {
		return why, nil
	}
	key := "remote." + s.Name + "."
	var edits []git.ConfigEdit
	if s.URL != "" {
		edits = append(edits, git.Set(key+"url", s.URL))
	}
	if d.Repo.Config.Get(key+"fetch") == "" {
		edits = append(edits, git.Set(key+"fetch", "+refs/heads/*:refs/remotes/"+s.Name+"/*"))
	}
	if s.PushURL != "" {
		if d.Annex != nil { // content goes where git's objects go
			edits = append(edits, git.Set(key+"annexurl", s.PushURL))
		}
		edits = append(edits, git.Set(key+"pushurl", s.PushURL))
	}
	if err := d.Repo.SetConfig(edits...); err != nil {
		return nil, err
	}
	if s.Fetch {
		if err := Fetch(ctx, d, s.Name, sink); err != nil {
			return nil, err
		}
	}
	if s.Inherit {
		if err := s.inherit(ctx, d); err != nil {
			return nil, err
		}
	}
	if err := s.lists(d); err != nil {
		return nil, err
	}
	return nil, probe(ctx, d, s.Name)
}

// unknownDepends is a message for a record: siblings to publish to first that
// are not known.
func (s Settings) unknownDepends(known []string) any {
	unknown := slices.DeleteFunc(slices.Clone(s.Depends), func(n string) bool { return slices.Contains(known, n) })
	if len(unknown) == 0 {
		return nil
	}
	return result.Tuple{"unknown sibling(s) specified as publication dependency: %s", "{'" + strings.Join(unknown, "', '") + "'}"}
}

// lists sets the settings with several values.
func (s Settings) lists(d *dataset.Dataset) error {
	for variable, list := range map[string][]string{"datalad-publish-depends": s.Depends, "push": s.Push} {
		key := "remote." + s.Name + "." + variable
		if len(list) == 0 {
			continue
		}
		var edits []git.ConfigEdit
		if _, ok := d.Repo.Config.Lookup(key); ok {
			edits = append(edits, git.ConfigEdit{Key: key, Remove: true})
		}
		for _, v := range list {
			what := "default publication refspec"
			if variable != "push" {
				what = "publication dependency on"
			}
			d.Env.Log.Info(fmt.Sprintf("Configure additional %s \"%s\"", what, v))
			edits = append(edits, git.ConfigEdit{Key: key, Value: v, Add: true})
		}
		if err := d.Repo.SetConfig(edits...); err != nil {
			return err
		}
	}
	return nil
}

// Fetch brings what a sibling has in git, and merges what it knows of where
// content lies; no other branch here is touched.
func Fetch(ctx context.Context, d *dataset.Dataset, name string, sink result.Sink) error {
	d.Env.Log.Info(fmt.Sprintf("Fetching updates for Dataset(%s)", d.Path()))
	r := result.New("update", result.OK, d.Path(), result.Dataset).Ref(d.Path())
	if _, err := d.Repo.Output(ctx, "fetch", "-q", "--no-recurse-submodules", "--prune", "--", name); err != nil {
		if ctx.Err() != nil {
			return err
		}
		r = r.As(result.Error).Msg(err.Error())
	} else if d.Annex != nil {
		if _, err := d.Annex.Merge(ctx, d.Now()); err != nil {
			return err
		}
	}
	return sink.Emit(r)
}
