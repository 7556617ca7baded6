package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/dataset"
	"github.com/stemma-data/stemma/internal/render"
)

type unlockOptions struct {
	dataset   string
	recursion recursion
}

func newUnlock(a *app) *cobra.Command {
	var o unlockOptions
	cmd := &cobra.Command{
		Use:   "unlock [OPTIONS] [PATH ...]",
		Short: "Make annexed files writable",
		Long: "Replaces links into the annex by writable copies of the content. `save` locks\n" +
			"them again.",
		Example: "  stemma unlock raw/scan\n  stemma unlock -r .",
		GroupID: groupData,
		RunE:    func(cmd *cobra.Command, args []string) error { return a.unlock(cmd.Context(), o, args) },
	}
	cmd.Flags().StringVarP(&o.dataset, "dataset", "d", "", datasetHelp)
	o.recursion.flags(cmd.Flags())
	return cmd
}

func (a *app) unlock(ctx context.Context, o unlockOptions, args []string) error {
	d, err := a.open(ctx, o.dataset, "unlock")
	if err != nil {
		return err
	}
	levels, err := o.recursion.reach()
	if err != nil {
		return err
	}
	sink, err := a.report(render.Continue, nil)
	if err != nil {
		return err
	}
	return d.Unlock(ctx, dataset.UnlockOptions{Paths: args, Levels: levels}, sink)
}
