package siblings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/hosting"
	"github.com/stemma-data/stemma/internal/result"
)

// How datasets are laid out as projects of a GitLab site.
const (
	LayoutHierarchy  = "hierarchy"  // each in a group of its own
	LayoutCollection = "collection" // the top in a group, with all others beside it
	LayoutFlat       = "flat"       // all side by side
)

// rootProject is the project of a dataset that has a group.
const rootProject = "_repo_"

// How a GitLab sibling is reached.
const (
	GitLabHTTP = "http"
	GitLabSSH  = "ssh"
	GitLabBoth = "ssh+http" // read by http, write by ssh
)

// GitLabOptions says what siblings are made on a GitLab site. What is empty
// comes from the configuration datalad.gitlab-SITE-….
type GitLabOptions struct {
	Paths       []string // absolute: the datasets there; nil is the dataset itself
	Site        string
	Project     string // path on the site
	Layout      string
	Access      string
	Name        string // of the sibling
	Existing    string // error, skip or reconfigure
	Depends     []string
	Description string
	Dry         bool
	Levels      int
	// Open finds a site's address and token. It is called once for each site.
	Open func(ctx context.Context, site string) (*hosting.GitLab, error)
}

// CreateGitLab makes projects on a GitLab site for the dataset, and for its
// subdatasets, and makes them known as siblings.
func CreateGitLab(ctx context.Context, d *dataset.Dataset, opt GitLabOptions, sink result.Sink) error {
	if opt.Project != "" && (opt.Levels != 0 || len(opt.Paths) > 1) {
		return errs.WithHint(errors.New("one project cannot be that of several datasets"), "leave --project out, and set datalad.gitlab-SITE-project in the dataset")
	}
	c := &gitlabCreation{opt: opt, sink: sink, top: d, sites: map[string]*hosting.GitLab{}}
	if len(opt.Paths) == 0 || slices.Contains(opt.Paths, d.Path()) {
		if err := c.one(ctx, d); err != nil {
			return err
		}
	}
	others := slices.ContainsFunc(opt.Paths, func(p string) bool { return p != d.Path() })
	if !others && opt.Levels == 0 {
		return nil
	}
	return c.below(ctx)
}

// gitlabCreation is one run of CreateGitLab.
type gitlabCreation struct {
	opt   GitLabOptions
	sink  result.Sink
	top   *dataset.Dataset
	sites map[string]*hosting.GitLab
}

// below does it for the subdatasets that are here.
func (c *gitlabCreation) below(ctx context.Context) error {
	levels := c.opt.Levels
	if levels == 0 {
		levels = 1
	}
	found := false
	err := c.top.Subdatasets(ctx, dataset.SubdatasetsOptions{Paths: c.opt.Paths, State: "present", Levels: levels}, func(s *dataset.Subdataset) error {
		found = true
		sub, err := dataset.Open(ctx, s.Abs, "create GitLab sibling(s)", c.top.Env)
		if err != nil {
			return err
		}
		defer sub.Close()
		return c.one(ctx, sub)
	})
	if err != nil || found {
		return err
	}
	for _, p := range c.opt.Paths {
		r := result.New("create_sibling_gitlab", result.Impossible, p, result.Dataset).Ref(c.top.Path())
		if err := c.sink.Emit(r.Msg("No dataset found under " + p)); err != nil {
			return err
		}
	}
	return nil
}

// setting is what the dataset, or the one that was named, says for the site.
func (c *gitlabCreation) setting(d *dataset.Dataset, site, what string) string {
	key := "datalad.gitlab-" + site + "-" + what
	if v := d.Config(key); v != "" {
		return v
	}
	return c.top.Config(key)
}

// gitlabTarget is one dataset's place.
type gitlabTarget struct{ site, sibling, layout, access, project string }

func (c *gitlabCreation) target(d *dataset.Dataset) (t gitlabTarget, err error) {
	const siteKey = "datalad.gitlab-default-site"
	t.site = cmp.Or(c.opt.Site, c.top.Config(siteKey), d.Config(siteKey))
	if t.site == "" {
		return t, errs.WithHint(fmt.Errorf("no GitLab site was given or configured in %s", d.Path()), "give it: --site NAME, or set %s", siteKey)
	}
	t.sibling = cmp.Or(c.opt.Name, c.setting(d, t.site, "siblingname"), t.site)
	t.layout = cmp.Or(c.opt.Layout, c.setting(d, t.site, "layout"), LayoutHierarchy)
	if !slices.Contains([]string{LayoutHierarchy, LayoutCollection, LayoutFlat}, t.layout) {
		return t, fmt.Errorf("layout %q of site %s is not known: it can be hierarchy, collection or flat", t.layout, t.site)
	}
	t.access = cmp.Or(c.opt.Access, c.setting(d, t.site, "access"), GitLabHTTP)
	if !slices.Contains([]string{GitLabHTTP, GitLabSSH, GitLabBoth}, t.access) {
		return t, fmt.Errorf("access %q to site %s is not known: it can be http, ssh or ssh+http", t.access, t.site)
	}
	t.project, err = c.project(d, t)
	return t, err
}

// project is the path on the site; "" if nothing says what it is.
func (c *gitlabCreation) project(d *dataset.Dataset, t gitlabTarget) (string, error) {
	key := "datalad.gitlab-" + t.site + "-project"
	own := c.opt.Project
	if own == "" {
		own = d.Config(key)
	}
	isTop := d.Path() == c.top.Path()
	base := c.top.Config(key)
	switch {
	case own != "" && isTop && t.layout == LayoutCollection:
		return own + "/" + rootProject, nil
	case own != "" || isTop || base == "":
		return own, nil
	}
	rel, err := filepath.Rel(c.top.Path(), d.Path())
	if err != nil {
		return "", err
	}
	rel = filepath.ToSlash(rel)
	switch t.layout {
	case LayoutHierarchy:
		return base + "/" + rel + "/" + rootProject, nil
	case LayoutCollection:
		return base + "/" + strings.ReplaceAll(rel, "/", "--"), nil
	}
	return base + "--" + strings.ReplaceAll(rel, "/", "--"), nil
}

func (c *gitlabCreation) one(ctx context.Context, d *dataset.Dataset) error {
	t, err := c.target(d)
	if err == nil {
		err = CheckNewName(t.sibling)
	}
	if err != nil {
		return err
	}
	r := result.New("create_sibling_gitlab", result.Error, d.Path(), result.Dataset).Ref(c.top.Path()).
		With("site", t.site).With("sibling", t.sibling)
	if c.opt.Description != "" {
		r = r.With("description", c.opt.Description)
	}
	if slices.Contains(Names(d), t.sibling) && c.opt.Existing != ExistingReconfigure {
		if c.opt.Existing == ExistingSkip {
			r = r.As(result.NotNeeded)
		}
		return c.sink.Emit(r.With("message", result.Tuple{"already has a configured sibling \"%s\"", t.sibling}))
	}
	if t.project == "" {
		return c.sink.Emit(r.Msg("No project name/location specified, and no configuration to derive one"))
	}
	r = r.With("project", t.project)
	if c.opt.Dry {
		return c.sink.Emit(r.As(result.OK).With("dryrun", true))
	}
	site, err := c.site(ctx, t.site)
	if err != nil {
		return err
	}
	made, ready, err := c.make(ctx, site, t, r)
	if err != nil || !ready {
		return err
	}
	return c.configure(ctx, d, t, made)
}

func (c *gitlabCreation) site(ctx context.Context, name string) (*hosting.GitLab, error) {
	if s := c.sites[name]; s != nil {
		return s, nil
	}
	s, err := c.opt.Open(ctx, name)
	c.sites[name] = s
	return s, err
}

// make finds the project, or makes it, and reports that; ready says that it can
// be a sibling.
func (c *gitlabCreation) make(ctx context.Context, site *hosting.GitLab, t gitlabTarget, r result.Record) (made map[string]any, ready bool, err error) {
	made, err = site.Project(ctx, t.project)
	existed := made != nil
	if err == nil && !existed {
		made, err = site.CreateProject(ctx, t.project, c.opt.Description)
	}
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	if err != nil {
		return nil, false, c.sink.Emit(r.With("message", result.Tuple{"Failed to create GitLab project: %s", err.Error()}))
	}
	r = r.With("project_attributes", made)
	switch {
	case !existed:
		r = r.As(result.OK).With("message", result.Tuple{"sibling repository '%s' created at %s", t.sibling, made["web_url"]})
	case c.opt.Existing == ExistingError:
		return nil, false, c.sink.Emit(r.With("message", result.Tuple{
			"There is already a project at '%s' on site '%s', but no sibling with name '%s' is configured, maybe use --existing=reconfigure", t.project, t.site, t.sibling,
		}))
	default:
		r = r.As(result.NotNeeded).With("message", result.Tuple{"There is already a project at '%s' on site '%s'", t.project, t.site})
	}
	return made, true, c.sink.Emit(r)
}

// configure makes the project a sibling, at addresses that git takes for a
// host's. No content can be kept there.
func (c *gitlabCreation) configure(ctx context.Context, d *dataset.Dataset, t gitlabTarget, made map[string]any) error {
	http, _ := made["http_url_to_repo"].(string)
	ssh, _ := made["ssh_url_to_repo"].(string)
	s := Settings{Name: t.sibling, URL: http, PushURL: ssh, Depends: c.opt.Depends}
	switch t.access {
	case GitLabHTTP:
		s.PushURL = ""
	case GitLabSSH:
		s.URL = ssh
	}
	for _, u := range []string{s.URL, s.PushURL} {
		if u == "" && t.access == GitLabHTTP && s.URL != "" {
			continue
		}
		if err := git.CheckUntrustedURL(u); err != nil {
			return fmt.Errorf("the site gave a bad address: %w", err)
		}
	}
	if key := "remote." + t.sibling + ".annex-ignore"; d.Repo.Config.Get(key) == "" {
		if err := d.Repo.SetConfig(git.Set(key, "true")); err != nil {
			return err
		}
	}
	return Configure(ctx, d, s, reference(c.sink, c.top.Path()))
}
