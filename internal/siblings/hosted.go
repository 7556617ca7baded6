package siblings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/hosting"
	"github.com/stemma-data/stemma/internal/result"
)

// HostedOptions says what siblings are made on a hosting service.
type HostedOptions struct {
	Service     hosting.Service
	Name        string // of the sibling; "" is the host
	Repo        string // [ORGANISATION/]NAME
	Existing    string // error, skip, reconfigure or replace
	Access      string // https, ssh or https-ssh
	Depends     []string
	Private     bool
	Description string
	Dry         bool
	Levels      int
}

// CreateHosted makes a repository on a hosting service for the dataset, and for
// its subdatasets, and makes them known as siblings.
func CreateHosted(ctx context.Context, d *dataset.Dataset, opt HostedOptions, sink result.Sink) error {
	if base, err := url.Parse(opt.Service.API); opt.Name == "" && err == nil {
		opt.Name = base.Hostname()
	}
	if err := CheckNewName(opt.Name); err != nil {
		return err
	}
	organization, repo, ok := strings.Cut(opt.Repo, "/")
	if !ok {
		organization, repo = "", opt.Repo
	}
	if repo == "" || repo != repoName(repo) {
		return errs.WithHint(fmt.Errorf("invalid name for a %s project: %q", opt.Service.Title(), repo), "give [ORGANISATION/]NAME, without blanks")
	}
	c := &hostedCreation{opt: opt, sink: sink, top: d.Path(), log: d.Env.Log}
	return d.Each(ctx, opt.Levels, func(sub *dataset.Dataset, rel string) error {
		r := hosting.Request{Name: repo, Organization: organization, Private: opt.Private, Description: opt.Description}
		if rel != "." {
			r.Name += "-" + repoName(rel)
		}
		return c.one(ctx, sub, r)
	})
}

var (
	blanks  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\s+`) })
	slashes = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[/\\]+`) })
)

// repoName is a subdataset's path as services accept it for a name.
func repoName(rel string) string {
	return blanks().ReplaceAllString(slashes().ReplaceAllString(rel, "-"), "_")
}

// hostedCreation is one run of CreateHosted.
type hostedCreation struct {
	opt  HostedOptions
	sink result.Sink
	top  string
	log  *slog.Logger
}

func (c *hostedCreation) one(ctx context.Context, d *dataset.Dataset, req hosting.Request) error {
	action := "create_sibling_" + c.opt.Service.Kind
	if c.opt.Dry {
		action += " [dry-run]"
	}
	r := result.New(action, result.Error, d.Path(), result.Dataset).Ref(c.top)
	if slices.Contains(Names(d), c.opt.Name) && !c.anew() {
		if c.opt.Existing == ExistingSkip {
			r = r.As(result.NotNeeded)
		}
		return c.sink.Emit(r.With("message", result.Tuple{"already has a configured sibling \"%s\"", c.opt.Name}))
	}
	made, err := c.opt.Service.Create(ctx, req, c.opt.Dry)
	existed := errors.Is(err, hosting.ErrExists)
	if existed {
		r = r.With("preexisted", true).Msg(err.Error())
		if c.opt.Existing != ExistingReconfigure {
			return c.sink.Emit(c.taken(r, req))
		}
		made, err = c.opt.Service.Find(ctx, req)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return c.sink.Emit(r.Msg(err.Error()))
	case c.opt.Dry:
		return c.sink.Emit(c.dryRun(r, made, req))
	case existed:
		r = r.As(result.NotNeeded)
	default:
		r = r.As(result.OK).With("message", result.Tuple{"sibling repository '%s' created at %s", c.opt.Name, made.HTML})
	}
	if err := c.sink.Emit(described(r, made)); err != nil {
		return err
	}
	return c.configure(ctx, d, made)
}

// anew says that a sibling that is known already is configured again.
func (c *hostedCreation) anew() bool {
	return c.opt.Existing == ExistingReconfigure || c.opt.Existing == ExistingReplace
}

// taken is the record about a repository that is in the way. None is deleted.
func (c *hostedCreation) taken(r result.Record, req hosting.Request) result.Record {
	switch c.opt.Existing {
	case ExistingSkip:
		return r.With("message", result.Tuple{"A repository '%s' already exists at '%s', use existing=reconfigure to use it as a sibling", req.Name, c.opt.Service.API})
	case ExistingReplace:
		return r.As(result.Impossible).With("message", result.Tuple{"repository \"%s\" already exists. Remove it manually first: nothing is deleted there", req.Name})
	}
	c.log.Info("--existing reconfigure makes the repository that exists the sibling")
	return r.As(result.Impossible)
}

func described(r result.Record, made hosting.Repository) result.Record {
	return r.With("reponame", made.Name).With("private", made.Private).With("clone_url", made.Clone).
		With("ssh_url", made.SSH).With("html_url", made.HTML).With("preexisted", made.Existed).With("host_response", made.Response)
}

// dryRun is the record that says what would have been sent; the token is not
// looked up for it.
func (c *hostedCreation) dryRun(r result.Record, made hosting.Repository, req hosting.Request) result.Record {
	var data map[string]any
	_ = json.Unmarshal([]byte(made.RequestBody), &data)
	organization := req.Organization
	if organization != "" {
		organization += "/"
	}
	return r.As(result.OK).With("sibling_name", c.opt.Name).With("reponame", organization+req.Name).
		With("request_url", made.Request).With("request_data", data).With("request_headers", made.RequestHeaders).With("preexisted", nil).
		With("message", result.Tuple{"would create sibling '%s' and repository '%s%s'", c.opt.Name, organization, req.Name})
}

// configure makes the repository a sibling. An address from the service must be
// one that git takes for a host's.
func (c *hostedCreation) configure(ctx context.Context, d *dataset.Dataset, made hosting.Repository) error {
	read, write := made.Clone, ""
	switch c.opt.Access {
	case "ssh":
		read = made.SSH
	case "https-ssh":
		write = made.SSH
	}
	for _, u := range []string{read, write} {
		if u == "" && u == write {
			continue
		}
		if err := git.CheckUntrustedURL(u); err != nil {
			return fmt.Errorf("the service gave a bad address: %w", err)
		}
	}
	if err := d.Repo.SetConfig(c.settings(d)...); err != nil {
		return err
	}
	s := Settings{Name: c.opt.Name, URL: read, PushURL: write, Depends: c.opt.Depends}
	if _, never := c.opt.Service.RemoteSettings()["annex-ignore"]; never || d.Annex == nil {
		return Configure(ctx, d, s, reference(c.sink, c.top))
	}
	return Configure(ctx, d, s, c.keepsContent(d))
}

// keepsContent is for services that have no annex before the first push: that
// there is none now says nothing.
func (c *hostedCreation) keepsContent(d *dataset.Dataset) result.Sink {
	key := "remote." + c.opt.Name + ".annex-ignore"
	return result.SinkFunc(func(r result.Record) error {
		if r.Action == "configure-sibling" && d.Repo.Config.Bool(key, false) {
			if err := d.Repo.SetConfig(git.Set(key, "false")); err != nil {
				return err
			}
			r = r.With("annex-ignore", "false")
		}
		return c.sink.Emit(r.Ref(c.top))
	})
}

// settings are those of the service, and those that the user has for its host;
// what is configured already stays, unless that shall be done anew.
func (c *hostedCreation) settings(d *dataset.Dataset) (edits []git.ConfigEdit) {
	wanted := map[string]string{}
	maps.Copy(wanted, c.opt.Service.RemoteSettings())
	if base, err := url.Parse(c.opt.Service.API); err == nil {
		prefix := "datalad.create-sibling-ghlike.extra-remote-settings." + base.Host + "."
		for _, k := range d.Repo.Config.Keys(prefix) {
			wanted[strings.TrimPrefix(k, prefix)] = d.Repo.Config.Get(k)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		key := "remote." + c.opt.Name + "." + name
		if _, known := d.Repo.Config.Lookup(key); known && !c.anew() {
			continue
		}
		edits = append(edits, git.Set(key, wanted[name]))
	}
	return edits
}

// reference makes all records relative to the dataset at top.
func reference(sink result.Sink, top string) result.Sink {
	return result.SinkFunc(func(r result.Record) error { return sink.Emit(r.Ref(top)) })
}
