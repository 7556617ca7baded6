package siblings

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	Name        string // of the sibling
	Repo        string // [ORGANISATION/]NAME
	Existing    string // error, skip or reconfigure
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
	if err := CheckName(opt.Name); err != nil {
		return err
	}
	organization, repo := "", opt.Repo
	if i := strings.LastIndexByte(opt.Repo, '/'); i >= 0 {
		organization, repo = opt.Repo[:i], opt.Repo[i+1:]
	}
	if repo == "" {
		return errs.WithExit(fmt.Errorf("%q is no name of a repository", opt.Repo), errs.ExitUsage)
	}
	c := &hostedCreation{opt: opt, sink: sink}
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
}

func (c *hostedCreation) one(ctx context.Context, d *dataset.Dataset, req hosting.Request) error {
	r := result.New("create_sibling_"+c.opt.Service.Kind, result.Error, d.Path(), result.Dataset)
	if slices.Contains(Names(d), c.opt.Name) && c.opt.Existing != ExistingReconfigure {
		if c.opt.Existing == ExistingSkip {
			r = r.As(result.NotNeeded)
		}
		return c.sink.Emit(r.With("message", result.Tuple{"already has a configured sibling \"%s\"", c.opt.Name}))
	}
	made, err := c.opt.Service.Create(ctx, req, c.opt.Dry)
	if errors.Is(err, hosting.ErrExists) {
		switch c.opt.Existing {
		case ExistingReconfigure:
			made, err = c.opt.Service.Find(ctx, req)
		case ExistingSkip:
			return c.sink.Emit(r.As(result.NotNeeded).With("preexisted", true).Msg("repository already exists"))
		default:
			return c.sink.Emit(r.With("preexisted", true).Msg("repository already exists"))
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return c.sink.Emit(r.Msg(err.Error()))
	}
	r = described(r, made)
	if c.opt.Dry {
		return c.sink.Emit(dryRun(r, made, req))
	}
	if made.Existed {
		r = r.As(result.NotNeeded)
	} else {
		r = r.As(result.OK)
	}
	if err := c.configure(ctx, d, made); err != nil {
		return err
	}
	return c.sink.Emit(r)
}

func described(r result.Record, made hosting.Repository) result.Record {
	return r.With("reponame", made.Name).With("private", made.Private).With("clone_url", made.Clone).
		With("ssh_url", made.SSH).With("html_url", made.HTML).With("preexisted", made.Existed)
}

// dryRun is the record that says what would have been sent.
func dryRun(r result.Record, made hosting.Repository, req hosting.Request) result.Record {
	r = result.New(r.Action+" [dry-run]", result.OK, r.Path, r.Type)
	var data map[string]any
	_ = json.Unmarshal([]byte(made.RequestBody), &data)
	full := req.Name
	if req.Organization != "" {
		full = req.Organization + "/" + req.Name
	}
	return r.With("reponame", full).With("request_url", made.Request).With("request_data", data).With("preexisted", nil)
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
	key := "remote." + c.opt.Name + "."
	var edits []git.ConfigEdit
	if _, _, ignored := hosting.Defaults(c.opt.Service.Kind); ignored && d.Annex != nil {
		edits = append(edits, git.Set(key+"annex-ignore", "true"))
	}
	if base, err := url.Parse(c.opt.Service.API); err == nil {
		prefix := "datalad.create-sibling-ghlike.extra-remote-settings." + base.Host + "."
		for _, k := range d.Repo.Config.Keys(prefix) {
			edits = append(edits, git.Set(key+strings.TrimPrefix(k, prefix), d.Repo.Config.Get(k)))
		}
	}
	if err := d.Repo.SetConfig(edits...); err != nil {
		return err
	}
	return Configure(ctx, d, Settings{Name: c.opt.Name, URL: read, PushURL: write, Depends: c.opt.Depends}, c.sink)
}
