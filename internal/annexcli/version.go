package annexcli

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/spf13/pflag"
	"github.com/stemma-data/stemma/internal/annexkey"
)

// remoteTypes are the kinds of remotes that work.
const remoteTypes = "git directory rsync web S3 httpalso external"

func newVersion(f *pflag.FlagSet) func(*call, []string) error {
	raw := f.Bool("raw", false, "only the version number")
	return func(c *call, _ []string) error {
		if *raw {
			return c.out.line(CompatibleWith)
		}
		text := "git-annex version: " + CompatibleWith + "\n" +
			"build flags: Stemma-" + c.Version + " MagicMime\n" +
			"dependency versions: " + runtime.Version() + "\n" +
			"key/value backends: " + strings.Join(annexkey.BackendNames(), " ") + "\n" +
			"remote types: " + remoteTypes + "\n" +
			"operating system: " + runtime.GOOS + " " + runtime.GOARCH + "\n" +
			"supported repository versions: 8 9 10\n" +
			"upgrade supported from repository versions: 8 9 10\n"
		if c.open() == nil {
			if v := c.d.Repo.Config.Get("annex.version"); v != "" {
				text += fmt.Sprintf("local repository version: %s\n", v)
			}
		}
		return c.out.line(text)
	}
}
