package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/siblings"
)

type createSiblingOptions struct {
	dataset, ui          string
	opt                  siblings.CreateOptions
	existing             choice
	wanted, group, since optionalText
	recursion            recursion
}

func newCreateSibling(a *app) *cobra.Command {
	o := createSiblingOptions{existing: newChoice("error", "skip", "error", "reconfigure", "replace")}
	cmd := &cobra.Command{
		Use:   "create-sibling [OPTIONS] PATH|SSH-URL",
		Short: "Make a sibling with a work tree, here or behind ssh",
		Long: "Makes a repository with an annex at a path, HOST:PATH or ssh://HOST/PATH, and makes\n" +
			"it known as a sibling. Its files follow what is pushed to it.",
		Example: "  stemma create-sibling -s mirror ssh://host/data/project\n  stemma push --to mirror",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.createSibling(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.opt.Name, "name", "s", "", "`NAME` of the sibling (default: the host, or local)")
	f.StringVar(&o.opt.TargetDir, "target-dir", "", "`PATH` on the host, if another one; %RELNAME stands for a subdataset's")
	f.StringVar(&o.opt.TargetURL, "target-url", "", "`URL` by which it is used, if another one")
	f.StringVar(&o.opt.TargetPush, "target-pushurl", "", "`URL` to push to, if another one")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.Var(&o.existing, "existing", "what to do about what is there already: `WHAT` error, skip, reconfigure, replace")
	f.StringVar(&o.opt.Shared, "shared", "", "permissions of the repository, `MODE` as for git init --shared")
	f.StringVar(&o.opt.UnixGroup, "group", "", "`GROUP` that the files belong to")
	f.StringVar(&o.ui, "ui", "false", "accepted; there is no web view (`VALUE` false)")
	f.StringVar(&o.opt.CommonSource, "as-common-datasrc", "", "clones get it as special remote `NAME` by themselves (http only)")
	publishing(f, &o.opt.Settings)
	f.Var(&o.wanted, "annex-wanted", "git-annex `EXPRESSION` for the content that it wants")
	f.Var(&o.group, "annex-group", "`GROUP` of repositories that it belongs to")
	f.StringVar(&o.opt.GroupWanted, "annex-groupwanted", "", "`EXPRESSION` of its group")
	f.BoolVar(&o.opt.Inherit, "inherit", false, "take over the settings of the superdataset's sibling of that name")
	f.Var(&o.since, "since", "with -r, only for subdatasets that changed since `COMMIT`; \"^\": since the last push to the sibling")
	o.recursion.flags(f)
	f.Lookup("ui").Hidden = true
	return cmd
}

func (a *app) createSibling(ctx context.Context, o createSiblingOptions, args []string) error {
	if len(args) != 1 {
		return errs.WithExit(&misuse{fmt.Errorf("create-sibling needs one path or URL")}, errs.ExitUsage)
	}
	if o.ui != "false" {
		return errs.WithExit(errors.New("create-sibling: there is no web view to install (--ui)"), errs.ExitUsage)
	}
	d, err := a.open(ctx, o.dataset, "create sibling(s)")
	if err != nil {
		return err
	}
	opt := o.opt
	opt.URL, opt.Existing, opt.Wanted, opt.Group = args[0], o.existing.value, o.wanted.value, o.group.value
	if v := o.since.value; v != nil {
		opt.Since = *v
		if *v == "" {
			opt.Since = "^" // the older way to say it
		}
	}
	if opt.Levels, err = o.recursion.levels(); err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return siblings.Create(ctx, d, opt, sink)
}
