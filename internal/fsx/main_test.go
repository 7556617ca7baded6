package fsx

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary also plays the other processes: TestMain runs a role when
// FSX_ROLE names one, with FSX_ARG as its argument.
func TestMain(m *testing.M) {
	if role := os.Getenv("FSX_ROLE"); role != "" {
		if err := roles[role](os.Getenv("FSX_ARG")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var roles = map[string]func(string) error{
	"hold-lease": func(path string) error {
		l, err := AcquireLease(context.Background(), path, LeaseOptions{Wait: 10 * time.Second, Purpose: "hold"})
		if err != nil {
			return err
		}
		return sayAndWait(func() { l.Release() })
	},
	"hold-fcntl": func(path string) error { // raw, as git-annex does it
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		if err := unix.FcntlFlock(f.Fd(), unix.F_SETLKW, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
			return err
		}
		return sayAndWait(func() { f.Close() })
	},
	"try-fcntl": func(path string) error {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
	},
	"count": func(dir string) error { return countUnderLease(dir, 25) },
	"lease-once": func(path string) error {
		l, err := AcquireLease(context.Background(), path, LeaseOptions{})
		if err != nil {
			return err
		}
		return l.Release()
	},
}

// sayAndWait tells the parent that the lock is held and ends with its stdin.
func sayAndWait(release func()) error {
	fmt.Println("held")
	bufio.NewReader(os.Stdin).ReadString('\n')
	release()
	return nil
}

// countUnderLease adds n to a number in a file, which loses updates unless the
// lease excludes the others.
func countUnderLease(dir string, n int) error {
	for range n {
		l, err := AcquireLease(context.Background(), dir+"/lease", LeaseOptions{Wait: -1})
		if err != nil {
			return err
		}
		b, _ := os.ReadFile(dir + "/count")
		old, _ := strconv.Atoi(strings.TrimSpace(string(b)))
		if err := os.WriteFile(dir+"/count", []byte(strconv.Itoa(old+1)), 0o644); err != nil {
			return err
		}
		if err := l.Check(); err != nil {
			return err
		}
		if err := l.Release(); err != nil {
			return err
		}
	}
	return nil
}

// actor is a second process in one of the roles.
type actor struct {
	*exec.Cmd
	out *bufio.Reader
}

// roleCommand prepares this binary, behind the words of wrap, for a role.
func roleCommand(t *testing.T, role, arg string, wrap ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(wrap, exe)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "FSX_ROLE="+role, "FSX_ARG="+arg)
	cmd.Stderr = os.Stderr
	return cmd
}

// startHolder starts a role that says "held" and waits until it did.
func startHolder(t *testing.T, role, arg string, wrap ...string) *actor {
	t.Helper()
	a := &actor{Cmd: roleCommand(t, role, arg, wrap...)}
	a.StdinPipe()
	out, err := a.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Process.Kill(); a.Wait() })
	a.out = bufio.NewReader(out)
	if line, err := a.out.ReadString('\n'); line != "held\n" {
		t.Fatalf("%s did not get its lock: %q, %v", role, line, err)
	}
	return a
}

// needRoot skips, or in CI fails, a test that needs privileges or a program.
func needRoot(t *testing.T, program string) {
	t.Helper()
	_, err := exec.LookPath(program)
	if err == nil && os.Geteuid() == 0 {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("needs root and %s", program)
	}
	t.Skipf("needs root and %s", program)
}

// noLeftovers fails if dir has other entries than those named.
func noLeftovers(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("folder has %q, want %q", got, want)
	}
}
