package annexcli

import (
	"errors"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
	"github.com/stemma-data/stemma/internal/exporttree"
)

// importOptions are those of import.
type importOptions struct {
	tree     exporttree.ImportOptions
	files    annexcmd.ImportFileOptions
	matching matching
	modes    []*bool // of duplicates, in the order of duplicateModes
}

// duplicateModes are the options for files whose content is known.
func duplicateModes() []string {
	return []string{"duplicate", "deduplicate", "clean-duplicates", "skip-duplicates", "reinject-duplicates"}
}

func newImport(f *pflag.FlagSet) func(*call, []string) error {
	var o importOptions
	help := []string{
		"do not delete source files", "delete source files whose content was imported before", "delete duplicate source files (import nothing)",
		"import only new files", "import new files, and reinject the content of files that were imported before",
	}
	f.StringVarP(&o.tree.From, "from", "f", "", "a tree from the `REMOTE`, which must have been set up with importtree=yes")
	for i, name := range duplicateModes() {
		o.modes = append(o.modes, f.Bool(name, false, help[i]))
	}
	f.Bool("content", false, "as without it")
	f.BoolVar(&o.tree.NoContent, "no-content", false, "do not keep contents of imported trees")
	f.BoolVar(&o.tree.NoIgnore, "no-check-gitignore", false, "also files that .gitignore names")
	f.Bool("check-gitignore", false, "as without it")
	f.StringVarP(&o.files.Backend, "backend", "b", "", "the `BACKEND` for new keys")
	for _, name := range []string{"content", "check-gitignore"} {
		f.Lookup(name).Hidden = true
	}
	o.matching.flags(f)
	return func(c *call, args []string) error {
		if o.tree.From == "" {
			return o.local(c, args)
		}
		if len(args) != 1 {
			return misuse{errors.New("Missing: BRANCH")}
		}
		o.tree.Branch = args[0]
		return c.reading(func(s *annexcmd.Session) error { return exporttree.Import(c.ctx, s, o.tree) })
	}
}

// local imports files of this machine.
func (o *importOptions) local(c *call, args []string) error {
	if len(args) == 0 {
		return misuse{errors.New("Specify the files to import, or a remote with --from")}
	}
	chosen := 0
	for i, on := range o.modes {
		if *on {
			o.files.Duplicates = annexcmd.KeepSource + annexcmd.Duplicates(i)
			chosen++
		}
	}
	if chosen > 1 {
		return misuse{errors.New("Only one of --duplicate, --deduplicate, --clean-duplicates, --skip-duplicates and --reinject-duplicates can be used")}
	}
	o.files.NoIgnore = o.tree.NoIgnore
	return c.reading(func(s *annexcmd.Session) error {
		m, err := s.NewMatcher(c.ctx, o.matching.tokens)
		if err != nil {
			return err
		}
		o.files.Match = m
		return s.ImportFiles(c.ctx, args, o.files)
	})
}
