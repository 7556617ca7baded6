package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/git"
	"github.com/stemma-data/stemma/internal/hosting"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/siblings"
)

type hostedOptions struct {
	dataset, api, credential string
	opt                      siblings.HostedOptions
	existing, access         choice
	description              optionalText
	recursion                recursion
	github                   githubOptions
}

// githubOptions are DataLad's older ones for GitHub.
type githubOptions struct {
	token, organization string
	dry                 bool
}

// newCreateSiblingHosted is create-sibling-gitea, -gogs, -gin or -github.
func newCreateSiblingHosted(a *app, service, title string) *cobra.Command {
	api, name := hosting.Defaults(service)
	o := hostedOptions{existing: newChoice("error", existingChoices(service)...), access: newChoice("https", "https", "ssh", "https-ssh")}
	if service == "gin" {
		o.access.value = "https-ssh"
	}
	o.opt.Service.Kind = service
	where := ""
	if api == "" {
		where = "--api https://git.example.org "
	}
	cmd := &cobra.Command{
		Use:   "create-sibling-" + service + " [OPTIONS] [ORGANISATION/]REPOSITORY",
		Short: "Make a sibling on " + title,
		Long: "Makes a repository on " + title + " and makes it known as a sibling. The access token is\n" +
			"taken from DATALAD_CREDENTIAL_NAME_TOKEN, the setting datalad.credential.NAME.token,\n" +
			"or git's credential helpers.",
		Example: "  stemma create-sibling-" + service + " " + where + "--dry-run lab/project",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.createSiblingHosted(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVarP(&o.opt.Name, "name", "s", name, "`NAME` of the sibling (default: the service's, or the host)")
	f.Var(&o.existing, "existing", "what to do about siblings and repositories that exist: `WHAT` error, skip, reconfigure")
	f.StringVar(&o.api, "api", api, "`URL` of the service")
	f.StringVar(&o.credential, "credential", "", "`NAME` of the access token (default: the host)")
	f.Var(&o.access, "access-protocol", "`HOW` the sibling is reached: https, ssh, https-ssh (read by https, write by ssh)")
	f.StringArrayVar(&o.opt.Depends, "publish-depends", nil, "publish to sibling `NAME` first; repeatable")
	f.BoolVar(&o.opt.Private, "private", false, "not visible to everybody")
	f.Var(&o.description, "description", "`TEXT` for the repository's page (default: some default)")
	f.BoolVar(&o.opt.Dry, "dry-run", false, "show what would be made")
	o.recursion.flags(f)
	if service == "github" {
		o.github.flags(f)
	}
	return cmd
}

func existingChoices(service string) []string {
	list := []string{siblings.ExistingSkip, siblings.ExistingError, siblings.ExistingReconfigure}
	if service == "github" {
		list = append(list, siblings.ExistingReplace)
	}
	return list
}

func (o *githubOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.token, "github-login", "", "access `TOKEN` (older; better use --credential)")
	f.StringVar(&o.organization, "github-organization", "", "`NAME` of the organisation (older; better write it before the repository)")
	f.BoolVar(&o.dry, "dryrun", false, "the same as --dry-run")
	for _, name := range []string{"github-login", "github-organization", "dryrun"} {
		f.Lookup(name).Hidden = true
	}
}

func (a *app) createSiblingHosted(ctx context.Context, o hostedOptions, args []string) error {
	if len(args) != 1 {
		return errs.WithExit(&misuse{fmt.Errorf("create-sibling-%s needs one name of a repository", o.opt.Service.Kind)}, errs.ExitUsage)
	}
	if o.api == "" {
		return errs.WithHint(fmt.Errorf("create-sibling-%s needs the address of the service", o.opt.Service.Kind), "give it: --api URL")
	}
	d, err := a.open(ctx, o.dataset, "create sibling(s)")
	if err != nil {
		return err
	}
	opt := o.opt
	opt.Repo, opt.Existing, opt.Access = args[0], o.existing.value, o.access.value
	opt.Service.API = strings.TrimRight(o.api, "/")
	if opt.Levels, err = o.recursion.levels(); err != nil {
		return err
	}
	if o.github.organization != "" {
		opt.Repo = o.github.organization + "/" + opt.Repo
	}
	if opt.Description = "some default"; o.description.value != nil {
		opt.Description = *o.description.value
	}
	opt.Dry = opt.Dry || o.github.dry
	if opt.Service.Token = o.github.token; opt.Service.Token == "" && !opt.Dry {
		if opt.Service.Token, err = a.token(ctx, opt.Service.API, o.credential, d.Repo); err != nil {
			return err
		}
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return siblings.CreateHosted(ctx, d, opt, sink)
}

// token finds the access token for a service.
func (a *app) token(ctx context.Context, api, name string, repo *git.Repo) (string, error) {
	u, err := url.Parse(api)
	if err != nil || u.Host == "" {
		return "", errs.WithExit(fmt.Errorf("%q is no address of a service", api), errs.ExitUsage)
	}
	if name == "" {
		name = u.Host
	}
	variable := "DATALAD_CREDENTIAL_" + strings.ToUpper(strings.NewReplacer("-", "__", ".", "_").Replace(name)) + "_TOKEN"
	for _, v := range []string{a.getenv(variable), a.setting("datalad.credential." + name + ".token")} {
		if v != "" {
			return v, nil
		}
	}
	token, err := repo.Credential(ctx, u.Scheme, u.Host)
	if err != nil || token == "" {
		return "", errs.WithHint(fmt.Errorf("authorization required for %s, cannot find token for a credential %s", api, name), "make an access token there and give it as %s", variable)
	}
	return token, nil
}
