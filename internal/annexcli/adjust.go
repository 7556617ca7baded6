package annexcli

import (
	"errors"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annex"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newAdjust(f *pflag.FlagSet) func(*call, []string) error {
	var a annex.Adjustment
	f.BoolVar(&a.Unlock, "unlock", false, "unlock annexed files")
	f.BoolVar(&a.Lock, "lock", false, "lock annexed files")
	f.BoolVar(&a.Fix, "fix", false, "fix the targets of links")
	f.BoolVar(&a.HideMissing, "hide-missing", false, "hide annexed files whose content is not here")
	f.BoolVar(&a.UnlockPresent, "unlock-present", false, "unlock annexed files whose content is here, lock the others")
	return func(c *call, _ []string) error {
		if a == (annex.Adjustment{}) {
			return misuse{errors.New("Missing: (--unlock | --lock | --fix | --hide-missing | --unlock-present)")}
		}
		return c.recorded(func(s *annexcmd.Session) error { return s.Adjust(c.ctx, a) })
	}
}
