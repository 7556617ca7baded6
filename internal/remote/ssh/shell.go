package ssh

import (
	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// ShellCommand is a process that runs a script with its arguments in a shell
// on the host. The connection is the one that git's and git-annex's settings
// ask for.
func ShellCommand(s remote.Setup, a Address, script string, args ...string) proc.Cmd {
	return newProgram(s, a).command(s.Env, append([]string{"sh", "-c", script, "sh"}, args...)...)
}
