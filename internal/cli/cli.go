// Package cli is Stemma's command line: it reads arguments, environment and
// working folder, calls the packages below, and turns what they report into
// output and exit codes, as DataLad does. It holds no knowledge of formats and
// decides nothing about data; no package may import it but a main function.
package cli

import (
	"context"
	"io"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Main runs one command line and returns the exit code. args begins with the
// name by which the program was called, which decides the command line that it
// shows (see faces); env holds KEY=VALUE pairs; version is for people.
func Main(version string, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	lateGC()
	name := "stemma"
	if len(args) > 0 {
		name, args = filepath.Base(args[0]), args[1:]
	}
	a := newApp(name, version, env, stdin, stdout, stderr)
	if face, ok := faces()[name]; ok {
		return face(a, args)
	}
	return runCommandLine(a, args)
}

// faces lists the names under which the program is another one than itself.
func faces() map[string]func(*app, []string) int {
	return map[string]func(*app, []string) int{
		"git-annex": gitAnnexFace, "git-annex-shell": annexShellFace,
		"sbatch": schedulerFace, "squeue": schedulerFace, "scancel": schedulerFace,
		supervisorName: supervisorFace,
	}
}

// runCommandLine is Stemma itself, also under DataLad's name.
func runCommandLine(a *app, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	rest, err := a.readGlobals(args)
	if err == nil {
		err = a.dispatch(ctx, rest)
	}
	if a.data != nil {
		defer a.data.Close()
	}
	return a.conclude(ctx, err)
}
