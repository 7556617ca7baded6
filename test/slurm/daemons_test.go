package slurm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// daemon finds a daemon of a test's own cluster: "slurmctld", "slurmd.n1".
func (c *cluster) daemon(t *testing.T, name string) (pid int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "run", name+".pid"))
	if err != nil {
		t.Fatal(err)
	}
	if pid, err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
		t.Fatal(err)
	}
	program, _, _ := strings.Cut(name, ".")
	if comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err != nil || strings.TrimSpace(string(comm)) != program {
		t.Fatalf("process %d is %q (%v), not %s", pid, comm, err, name)
	}
	return pid
}

// signal sends a signal to a daemon.
func (c *cluster) signal(t *testing.T, name string, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(c.daemon(t, name), sig); err != nil {
		t.Fatal(err)
	}
}

// stop ends a daemon.
func (c *cluster) stop(t *testing.T, name string) {
	t.Helper()
	pid := c.daemon(t, name)
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, name+" to end", func() bool { return syscall.Kill(pid, 0) != nil })
}

// startController starts slurmctld again and waits until it answers and the
// nodes are there.
func (c *cluster) startController(t *testing.T) {
	t.Helper()
	c.daemonize(t, "/usr/sbin/slurmctld")
	until(t, "the controller to answer", func() bool {
		cmd := exec.Command("sinfo", "-h", "-N", "-o", "%t")
		cmd.Env = c.env()
		out, err := cmd.Output()
		return err == nil && len(out) > 0 && !strings.Contains(string(out), "unk")
	})
}

// daemonize starts a daemon, which goes into the background by itself.
func (c *cluster) daemonize(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = c.env()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// configure adds lines to the configuration and starts the controller again.
func (c *cluster) configure(t *testing.T, lines ...string) {
	t.Helper()
	f, err := os.OpenFile(c.conf, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(strings.Join(lines, "\n") + "\n")
	if cerr := f.Close(); err != nil || cerr != nil {
		t.Fatal(err, cerr)
	}
	c.stop(t, "slurmctld")
	c.startController(t)
}

// amnesia makes the controller forget everything, so that it gives out the
// same ids again.
func (c *cluster) amnesia(t *testing.T) {
	t.Helper()
	c.stop(t, "slurmctld")
	state := filepath.Join(c.dir, "ctld")
	if err := os.RemoveAll(state); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(state, 0o755); err != nil {
		t.Fatal(err)
	}
	c.startController(t)
}
