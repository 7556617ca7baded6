package annexcli

import (
	"fmt"

	"github.com/spf13/pflag"
)

// unsupportedMark annotates options of git-annex that are known and refused: a
// command without them would do something else.
const unsupportedMark = "unsupported"

// unsupported declares such options, none of which has a value.
func unsupported(f *pflag.FlagSet, names ...string) {
	for _, name := range names {
		f.Bool(name, false, "not supported yet")
		markUnsupported(f, name)
	}
}

func markUnsupported(f *pflag.FlagSet, name string) {
	o := f.Lookup(name)
	o.Hidden = true
	o.Annotations = map[string][]string{unsupportedMark: nil}
}

// refuseUnsupported is the error about the first of them that is used.
func refuseUnsupported(f *pflag.FlagSet) (err error) {
	f.Visit(func(o *pflag.Flag) {
		if _, ok := o.Annotations[unsupportedMark]; ok && err == nil {
			err = fmt.Errorf("option --%s is not supported yet", o.Name)
		}
	})
	return err
}
