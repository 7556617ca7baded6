package annexcli

import (
	"errors"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/exporttree"
)

// importOptions are those of import.
type importOptions struct {
	tree    exporttree.ImportOptions
	content bool
}

func newImport(f *pflag.FlagSet) func(*call, []string) error {
	var o importOptions
	f.StringVarP(&o.tree.From, "from", "f", "", "the `REMOTE`, which must have been set up with importtree=yes")
	f.BoolVar(&o.content, "content", false, "get contents (as it is)")
	f.BoolVar(&o.tree.NoContent, "no-content", false, "do not keep contents of imported files")
	f.BoolVar(&o.tree.NoIgnore, "no-check-gitignore", false, "also files that .gitignore names")
	f.Bool("check-gitignore", false, "accepted")
	f.Lookup("check-gitignore").Hidden = true
	return func(c *call, args []string) error {
		if o.tree.From == "" {
			return misuse{errors.New("Missing: (-f|--from REMOTE)")}
		}
		if len(args) != 1 {
			return misuse{errors.New("Missing: BRANCH")}
		}
		o.tree.Branch = args[0]
		return c.reading(func(s *annexcmd.Session) error { return exporttree.Import(c.ctx, s, o.tree) })
	}
}
