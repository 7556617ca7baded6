package slowfs

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// Serve is the main function of a process that serves a file system. Its
// arguments are -profile NAME -seed N [-fat] BACKING MOUNT. It writes a line when the
// mount stands, then answers each line on in with the counts, as JSON, and ends
// at the end of in. SIGUSR1 writes the counts to standard error.
func Serve(args []string, in io.Reader, out io.Writer) (err error) {
	f := flag.NewFlagSet("slowfs", flag.ContinueOnError)
	name := f.String("profile", "local", "`NAME` of the profile")
	seed := f.Uint64("seed", 1, "`N` that the latencies are drawn with")
	fat := f.Bool("fat", false, "show the folder as FAT would")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() != 2 {
		return errors.New("slowfs: two folders are needed: BACKING MOUNT")
	}
	profile, err := ByName(*name)
	if err != nil {
		return fmt.Errorf("slowfs: %w", err)
	}
	m, err := Mount(Options{Backing: f.Arg(0), Mount: f.Arg(1), Profile: profile, Seed: *seed, FAT: *fat})
	if err != nil {
		return fmt.Errorf("slowfs: %w", err)
	}
	defer func() { err = errors.Join(err, m.unmountSoon()) }()
	// The one who reads in decides when the mount ends, not the terminal.
	signal.Ignore(os.Interrupt, syscall.SIGHUP)
	tell := make(chan os.Signal, 1)
	signal.Notify(tell, syscall.SIGUSR1)
	go func() {
		for range tell {
			fmt.Fprintln(os.Stderr, "slowfs:", m.Counts())
		}
	}()
	return m.answer(in, out)
}

func (m *Mounted) answer(in io.Reader, out io.Writer) error {
	say := json.NewEncoder(out)
	if err := say.Encode(m.Counts()); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if err := say.Encode(m.Counts()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// unmountSoon waits a little for files that are still open.
func (m *Mounted) unmountSoon() (err error) {
	for range 100 {
		if err = m.Unmount(); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// Child is a process that runs Serve.
type Child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *json.Decoder
	last Counts
}

// StartChild starts cmd, whose program calls Serve, and waits until the mount
// stands. The child ends with Close or with this process.
func StartChild(cmd *exec.Cmd) (*Child, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if cmd.Stderr == nil {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start slowfs: %w", err)
	}
	c := &Child{cmd: cmd, in: in, out: json.NewDecoder(out)}
	if err := c.out.Decode(&c.last); err != nil {
		return nil, errors.Join(fmt.Errorf("start slowfs: %w", err), c.Close())
	}
	return c, nil
}

// Counts tells what was asked for since the mount.
func (c *Child) Counts() (Counts, error) {
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		return Counts{}, fmt.Errorf("ask slowfs: %w", err)
	}
	var n Counts
	if err := c.out.Decode(&n); err != nil {
		return Counts{}, fmt.Errorf("ask slowfs: %w", err)
	}
	return n, nil
}

// Since tells what was asked for since the last call of Since, or the mount.
func (c *Child) Since() (Counts, error) {
	now, err := c.Counts()
	if err != nil {
		return Counts{}, err
	}
	last := c.last
	c.last = now
	return now.Minus(last), nil
}

// Close unmounts and waits for the child.
func (c *Child) Close() error {
	return errors.Join(c.in.Close(), c.cmd.Wait())
}
