package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/hosting"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/siblings"
)

type gitlabOptions struct {
	dataset, credential      string
	opt                      siblings.GitLabOptions
	layout, access, existing choice
	dryrun                   bool
	recursion                recursion
}

func newCreateSiblingGitLab(a *app) *cobra.Command {
	o := gitlabOptions{
		layout:   newChoice("", siblings.LayoutHierarchy, siblings.LayoutCollection, siblings.LayoutFlat),
		access:   newChoice("", siblings.GitLabHTTP, siblings.GitLabSSH, siblings.GitLabBoth),
		existing: newChoice(siblings.ExistingError, siblings.ExistingSkip, siblings.ExistingError, siblings.ExistingReconfigure),
	}
	cmd := &cobra.Command{
		Use:   "create-sibling-gitlab [OPTIONS] [PATH ...]",
		Short: "Make a sibling on a GitLab site",
		Long: "Makes projects on a GitLab site for the dataset, or for the subdatasets at the paths,\n" +
			"and makes them known as siblings. A site is a section of python-gitlab's configuration\n" +
			"(~/.python-gitlab.cfg, /etc/python-gitlab.cfg, or $PYTHON_GITLAB_CFG) with url and\n" +
			"private_token; it can also be the site's URL, with a token as the other hosts take it:\n" +
			"from DATALAD_CREDENTIAL_NAME_TOKEN, datalad.credential.NAME.token, or git's credential\n" +
			"helpers. What is not given comes from the settings datalad.gitlab-default-site and\n" +
			"datalad.gitlab-SITE-project, -layout, -access and -siblingname.",
		Example: "  stemma create-sibling-gitlab --site mygit --project lab/study --dry-run\n" +
			"  stemma -c datalad.gitlab-mygit-project=lab/study create-sibling-gitlab --site mygit -r --dry-run",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.createSiblingGitLab(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVar(&o.opt.Site, "site", "", "`SITE`, by its name or URL")
	f.StringVar(&o.opt.Project, "project", "", "`PATH` of the project on the site")
	f.Var(&o.layout, "layout", "`HOW` subdatasets are placed: hierarchy (each in a group), collection (beside the top, in its group), flat")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.opt.Name, "name", "s", "", "`NAME` of the sibling (default: the site's)")
	f.Var(&o.existing, "existing", "what to do about siblings and projects that exist: `WHAT` error, skip, reconfigure")
	f.Var(&o.access, "access", "`HOW` the sibling is reached: http, ssh, ssh+http (read by http, write by ssh)")
	f.StringArrayVar(&o.opt.Depends, "publish-depends", nil, "publish to sibling `NAME` first; repeatable")
	f.StringVar(&o.opt.Description, "description", "", "`TEXT` for the project's page")
	f.StringVar(&o.credential, "credential", "", "`NAME` of the access token, where the site has none (default: the host)")
	f.BoolVar(&o.opt.Dry, "dry-run", false, "show what would be made")
	f.BoolVar(&o.dryrun, "dryrun", false, "the same as --dry-run")
	o.recursion.flags(f)
	f.Lookup("dryrun").Hidden = true
	return cmd
}

func (a *app) createSiblingGitLab(ctx context.Context, o gitlabOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "create GitLab sibling(s)")
	if err != nil {
		return err
	}
	opt := o.opt
	opt.Layout, opt.Access, opt.Existing, opt.Dry = o.layout.value, o.access.value, o.existing.value, opt.Dry || o.dryrun
	for _, p := range args {
		rel, err := d.Rel(a.abs(p))
		if err != nil {
			return err
		}
		opt.Paths = append(opt.Paths, filepath.Join(d.Path(), filepath.FromSlash(rel)))
	}
	if opt.Levels, err = o.recursion.levels(); err != nil {
		return err
	}
	opt.Open = func(ctx context.Context, site string) (*hosting.GitLab, error) {
		return a.gitlabSite(ctx, d, site, o.credential)
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return siblings.CreateGitLab(ctx, d, opt, sink)
}

// gitlabSite finds a site. A token of python-gitlab's configuration goes to the
// address beside it only, any other to the host that it is for.
func (a *app) gitlabSite(ctx context.Context, d *dataset.Dataset, name, credential string) (*hosting.GitLab, error) {
	config, err := a.gitlabConfig()
	if err != nil {
		return nil, err
	}
	site, known, err := config.Site(name)
	if err != nil {
		return nil, fmt.Errorf("GitLab site %s: %w", name, err)
	}
	if known && site.URL == "" {
		site.URL = "https://gitlab.com"
	}
	if !known {
		site.URL = strings.TrimRight(name, "/")
		if !strings.Contains(name, "://") {
			return nil, errs.WithHint(fmt.Errorf("GitLab site %s is not configured", name),
				"write a section [%s] with url and private_token into ~/.python-gitlab.cfg, or give the site's URL", name)
		}
	}
	if site.Token == "" {
		site.Token, err = a.token(ctx, site.URL, credential, d.Repo)
	}
	return &site, err
}

// gitlabConfig reads python-gitlab's files.
func (a *app) gitlabConfig() (hosting.GitLabConfig, error) {
	files := []string{"/etc/python-gitlab.cfg", filepath.Join(a.getenv("HOME"), ".python-gitlab.cfg")}
	only := a.getenv("PYTHON_GITLAB_CFG")
	if only != "" {
		files = []string{a.abs(only)}
	}
	var texts [][]byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		if only == "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return hosting.GitLabConfig{}, err
		}
		texts = append(texts, text)
	}
	c, err := hosting.ParseGitLabConfig(texts...)
	if err != nil {
		return c, fmt.Errorf("python-gitlab's configuration (%s): %w", strings.Join(files, ", "), err)
	}
	return c, nil
}
