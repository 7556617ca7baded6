package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// command is a program to be measured, and where it runs.
type command struct {
	dir  string
	argv []string
}

// in makes a command.
func in(dir string, argv ...string) command { return command{dir, argv} }

// sh makes a command of a shell line.
func sh(dir, line string, args ...string) command {
	return in(dir, append([]string{"sh", "-c", line, "sh"}, args...)...)
}

// cost is what one call took: wall is elapsed time, cpu the user and system time
// of the program and of all children it waited for.
type cost struct{ wall, cpu time.Duration }

// run executes c; its output goes to a file, so that what it leaves running in
// the background is not waited for. An error carries the last line of output.
func (b *bench) run(ctx context.Context, c command) (cost, error) {
	out, err := os.Create(filepath.Join(b.tmp, "output"))
	if err != nil {
		return cost{}, err
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = c.dir, b.env, out, out
	// Whoever is given up goes with all that it started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	begin := time.Now()
	err = cmd.Run()
	took := cost{wall: time.Since(begin)}
	if s := cmd.ProcessState; s != nil {
		took.cpu = s.UserTime() + s.SystemTime()
	}
	if err != nil {
		return took, fmt.Errorf("%w: %s", err, lastLine(out.Name()))
	}
	return took, nil
}

// must runs the commands of a preparation, which are not measured.
func (b *bench) must(ctx context.Context, commands ...command) error {
	for _, c := range commands {
		if _, err := b.run(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(c.argv[0]), err)
		}
	}
	return nil
}

// output returns what a command prints on standard output, trimmed.
func (b *bench) output(ctx context.Context, dir string, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = dir, b.env
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

func lastLine(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(data))
	line := text[strings.LastIndexByte(text, '\n')+1:]
	return line[:min(len(line), 200)]
}
