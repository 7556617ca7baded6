package annexcli

import (
	"errors"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/exporttree"
)

func newExport(f *pflag.FlagSet) func(*call, []string) error {
	var o exporttree.Options
	f.StringVarP(&o.To, "to", "t", "", "the `REMOTE`, which must have been set up with exporttree=yes")
	f.BoolVar(&o.Tracking, "tracking", false, "let `sync --content` export what the branch becomes")
	return func(c *call, args []string) error {
		switch {
		case len(args) != 1:
			return misuse{errors.New("Missing: TREEISH")}
		case o.To == "":
			return misuse{errors.New("Missing: (-t|--to REMOTE)")}
		}
		o.Tree = args[0]
		return c.reading(func(s *annexcmd.Session) error { return exporttree.Export(c.ctx, s, o) })
	}
}
