package runrec

import "github.com/stemma-data/stemma/internal/pyfmt"

// shortLength is the number of characters of a command that a title shows.
const shortLength = 40

// ShortCommand returns cmd, or its first 40 characters and "..." if it is
// longer. It is a run commit's title where the user gave none; cmd is then the
// expanded command.
func ShortCommand(cmd string) string {
	head, more := pyfmt.Cut(cmd, shortLength)
	if more {
		return head + "..."
	}
	return head
}

// NormalizeCommand turns command line arguments into the string that is
// recorded and given to the shell: a single argument is taken as it is, several
// are quoted and joined. A leading "--" is dropped, and forces quoting.
func NormalizeCommand(args []string) string {
	if len(args) == 1 && args[0] != "--" {
		return args[0]
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	return pyfmt.ShellJoin(args)
}
