package slurm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"time"
)

// Exec returns a Runner for real programs. base is the environment they get
// (it should have PATH and USER); LC_ALL is set so that messages can be read.
func Exec(base []string) Runner {
	return func(ctx context.Context, name string, args, env []string) (stdout, stderr []byte, exit int, err error) {
		var out, errOut bytes.Buffer
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Env = append(append(append([]string{}, base...), "LC_ALL=C"), env...)
		cmd.Stdout, cmd.Stderr = &out, &errOut
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = 2 * time.Second
		err = cmd.Run()
		if ended := (*exec.ExitError)(nil); errors.As(err, &ended) && ended.Exited() && ctx.Err() == nil {
			err = nil
		}
		if cmd.ProcessState != nil {
			exit = cmd.ProcessState.ExitCode()
		}
		return out.Bytes(), errOut.Bytes(), exit, err
	}
}
