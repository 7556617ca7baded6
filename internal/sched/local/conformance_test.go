package local

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/sched"
	"github.com/stemma-data/stemma/internal/sched/schedtest"
)

// TestMain lets the test binary play what the stemma binary plays.
func TestMain(m *testing.M) {
	name := filepath.Base(os.Args[0])
	if name == SupervisorName {
		os.Exit(Supervise(context.Background(), os.Args[1], os.Args[2]))
	}
	if dir := os.Getenv(EnvDir); dir != "" {
		slots, _ := strconv.Atoi(os.Getenv(EnvSlots))
		cwd, _ := os.Getwd()
		s := New(dir, executable(), slots, os.Getenv("PATH"))
		call := Call{Args: os.Args[1:], Env: os.Environ(), Dir: cwd, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
		if exit, ok := s.Shim(context.Background(), name, call); ok {
			os.Exit(exit)
		}
	}
	os.Exit(m.Run())
}

func executable() string {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return path
}

// newScheduler is one of its own with a shell to submit in.
func newScheduler(t *testing.T, slots int) (*Scheduler, func(line, dir string) (string, error)) {
	t.Helper()
	state := filepath.Join(t.TempDir(), "state")
	s := New(state, executable(), slots, "/usr/local/bin:/usr/bin:/bin")
	t.Cleanup(func() { endAll(t, s) })
	return s, func(line, dir string) (string, error) {
		cmd := exec.Command("/bin/sh", "-c", line)
		cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setsid: true}
		cmd.Env = append([]string{"USER=alice", "HOME=" + state}, s.Environ()...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", line, err, stderr.Bytes())
		}
		return string(out), err
	}
}

// endAll cancels what still runs and waits until no supervisor is left.
func endAll(t *testing.T, s *Scheduler) {
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ids, _ := s.openJobs()
		if len(ids) == 0 {
			break
		}
		for _, id := range ids {
			_ = s.Cancel(context.Background(), []string{strconv.Itoa(id)})
		}
	}
	_ = s.locked(context.Background(), func() error { return nil })
	time.Sleep(50 * time.Millisecond)
}

func TestConformance(t *testing.T) {
	schedtest.Run(t, func(t *testing.T) (sched.Scheduler, schedtest.Submit) {
		s, submit := newScheduler(t, 4)
		return s, func(line, dir string) []byte {
			t.Helper()
			out, err := submit(line, dir)
			if err != nil {
				t.Fatal(err)
			}
			return []byte(out)
		}
	})
}
