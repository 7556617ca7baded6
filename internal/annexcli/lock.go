package annexcli

import (
	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexcmd"
)

func newUnlock(f *pflag.FlagSet) func(*call, []string) error {
	return overFiles(f, (*annexcmd.Session).UnlockAll)
}

func newLock(f *pflag.FlagSet) func(*call, []string) error {
	return overFiles(f, (*annexcmd.Session).LockAll)
}
