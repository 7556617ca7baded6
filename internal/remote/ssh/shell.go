package ssh

import (
	"os"
	"strings"

	"github.com/stemma-data/stemma/internal/proc"
	"github.com/stemma-data/stemma/internal/remote"
)

// ShellCommand is a process that runs a script with its arguments in a shell
// on the host. The connection is the one that git's and git-annex's settings
// ask for.
func ShellCommand(s remote.Setup, a Address, script string, args ...string) proc.Cmd {
	return newProgram(s, a).command(s.Env, append([]string{"sh", "-c", script, "sh"}, args...)...)
}

// Sharing are the options by which other programs that run ssh, such as rsync,
// share one connection to the host with all of ours; nil where that is switched
// off (annex.sshcaching) or cannot be. options are those that ssh gets anyway.
func Sharing(s remote.Setup, host string, options []string) []string {
	if !s.Settings.Bool("annex.sshcaching", true) || strings.Contains(strings.Join(options, " "), "ControlPath") || (Address{Host: host, Path: "."}).check() != nil {
		return nil
	}
	var p program
	p.share(s, Address{Host: host}, options)
	if p.shared == "" || os.MkdirAll(p.shared, 0o700) != nil {
		return nil
	}
	return p.args
}
