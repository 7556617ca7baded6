package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/errs"
	"github.com/stemma-data/stemma/internal/render"
	"github.com/stemma-data/stemma/internal/siblings"
)

type createSiblingRIAOptions struct {
	dataset                  string
	opt                      siblings.RIAOptions
	storage, existing, trust choice
	noStorage                bool
	recursion                recursion
}

func newCreateSiblingRIA(a *app) *cobra.Command {
	o := createSiblingRIAOptions{
		storage: newChoice("on", "on", "off", "only"), existing: newChoice("error", "skip", "error", "reconfigure"),
		trust: newChoice("", "trust", "semitrust", "untrust"),
	}
	cmd := &cobra.Command{
		Use:   "create-sibling-ria -s NAME [OPTIONS] ria+ssh|file://HOST/PATH",
		Short: "Make a sibling in a RIA store",
		Long: "Makes a place for the dataset in a RIA store, on this machine or behind ssh: a git\n" +
			"repository, and a storage sibling that keeps the content of annexed files.",
		Example: "  stemma create-sibling-ria -s store --new-store-ok --alias project ria+file:///data/store\n  stemma push --to store",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.createSiblingRIA(cmd.Context(), o, args) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.opt.Name, "name", "s", "", "`NAME` of the sibling")
	f.StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	f.StringVar(&o.opt.StorageName, "storage-name", "", "`NAME` of the storage sibling (default: that of the sibling with -storage)")
	f.StringVar(&o.opt.Alias, "alias", "", "`NAME` by which the dataset is found in the store, too")
	f.BoolVar(&o.opt.PostUpdate, "post-update-hook", false, "make the repository readable over plain http")
	f.StringVar(&o.opt.Shared, "shared", "", "permissions of the repository, `MODE` as for git init --shared")
	f.StringVar(&o.opt.Group, "group", "", "`GROUP` that the files belong to")
	f.Var(&o.storage, "storage-sibling", "`WHICH`: on, off (no storage sibling), only (no git repository)")
	f.Var(&o.existing, "existing", "what to do about siblings that exist: `WHAT` error, skip, reconfigure")
	f.BoolVar(&o.opt.NewStore, "new-store-ok", false, "make the store if there is none")
	f.Var(&o.trust, "trust-level", "`LEVEL` of git-annex's trust in the storage sibling: trust, semitrust, untrust")
	f.StringVar(&o.opt.PushURL, "push-url", "", "`URL` to write to, if another one")
	f.BoolVar(&o.noStorage, "no-storage-sibling", false, "the same as --storage-sibling off")
	o.recursion.flags(f)
	f.Lookup("no-storage-sibling").Hidden = true
	return cmd
}

func (a *app) createSiblingRIA(ctx context.Context, o createSiblingRIAOptions, args []string) error {
	if len(args) != 1 || o.opt.Name == "" {
		return errs.WithExit(&misuse{fmt.Errorf("create-sibling-ria needs -s NAME and one URL")}, errs.ExitUsage)
	}
	d, err := a.open(ctx, o.dataset, "create RIA sibling(s)")
	if err != nil {
		return err
	}
	opt := o.opt
	opt.URL, opt.Storage, opt.Existing, opt.Trust = args[0], o.storage.value, o.existing.value, o.trust.value
	if o.noStorage {
		opt.Storage = siblings.StorageOff
	}
	if opt.Levels, err = o.recursion.levels(); err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return siblings.CreateRIA(ctx, d, opt, sink)
}
