package cli

import (
	"github.com/spf13/cobra"
	"github.com/stemma-data/stemma/internal/discard"
)

// newUninstall is DataLad's older name of `drop --what datasets`.
func newUninstall(a *app) *cobra.Command {
	cmd := newDrop(a)
	cmd.Use, cmd.Short, cmd.Hidden = "uninstall [OPTIONS] [PATH ...]", "The older name of drop --what datasets", true
	cmd.Example = ""
	if f := cmd.Flags().Lookup("what"); f.Value.Set(discard.Datasets) == nil {
		f.DefValue = discard.Datasets
	}
	return cmd
}
