package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stemma-data/stemma/internal/fsx"
)

// The test binary also plays other processes; see roles.
func TestMain(m *testing.M) {
	if role := os.Getenv("LEDGER_ROLE"); role != "" {
		if err := roles[role](os.Getenv("LEDGER_DIR")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var roles = map[string]func(dir string) error{
	// claim tries to claim the one path that all want.
	"claim": func(dir string) error {
		ctx := context.Background()
		return withLease(dir, func() error {
			l, err := Open(ctx, dir)
			if err != nil {
				return err
			}
			defer l.Close()
			_, err = l.Claim(ctx, newJob("results/out"), false)
			var conflict *ConflictError
			if errors.As(err, &conflict) {
				fmt.Println("conflict")
				return nil
			}
			if err == nil {
				fmt.Println("won")
			}
			return err
		})
	},
	// once is one command's use of the ledger.
	"once": func(dir string) error {
		ctx := context.Background()
		l, err := Open(ctx, dir)
		if err != nil {
			return err
		}
		defer l.Close()
		_, err = l.Claim(ctx, newJob("b"), true)
		return err
	},
	// write commits pairs of jobs until it is killed, and says how many are done.
	"write": func(dir string) error {
		ctx := context.Background()
		l, err := Open(ctx, dir)
		if err != nil {
			return err
		}
		for i := 0; ; i++ {
			err := l.Update(ctx, func(tx *Tx) error {
				for _, side := range []string{"a", "b"} {
					j := newJob(fmt.Sprintf("%s/%d-%d", side, os.Getpid(), i))
					j.JobID = strconv.Itoa(i)
					if err := tx.Claim(j, false); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			fmt.Println(i)
		}
	},
}

func withLease(dir string, fn func() error) error {
	l, err := fsx.AcquireLease(context.Background(), filepath.Join(dir, "lease"), fsx.LeaseOptions{Wait: time.Minute})
	if err != nil {
		return err
	}
	return errors.Join(fn(), l.Release())
}

func roleCommand(t *testing.T, role, dir string, wrap ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := append(wrap, exe)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LEDGER_ROLE="+role, "LEDGER_DIR="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// killAfterLines kills the role after it printed n lines and returns the last
// complete line.
func killAfterLines(t *testing.T, cmd *exec.Cmd, n int, pause time.Duration) string {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	sc := bufio.NewScanner(out)
	for i := 0; sc.Scan(); i++ {
		last = sc.Text()
		if i == n {
			time.Sleep(pause)
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	return last
}

func newJob(claims ...string) *Job {
	return &Job{WorkTree: "/w", Scheduler: "slurm", State: StateSubmitting, Cmd: "sbatch job.sh", Claims: claims, Outputs: claims}
}

func openTest(t *testing.T) *Ledger {
	t.Helper()
	return reopen(t, t.TempDir())
}

func reopen(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func mustClaim(t *testing.T, l *Ledger, j *Job) int64 {
	t.Helper()
	id, err := l.Claim(t.Context(), j, false)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
