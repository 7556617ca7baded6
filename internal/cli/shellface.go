package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/stemma-data/stemma/internal/annexshell"
)

// annexShellFace is git-annex-shell, which clients start on the host of a
// repository.
func annexShellFace(a *app, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return annexshell.Run(ctx, annexshell.Call{
		Args: args, Env: a.env, Host: host, Stdin: a.stdin, Stdout: a.stdout, Stderr: a.stderr,
	})
}
